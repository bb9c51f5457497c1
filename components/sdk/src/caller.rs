//! The caller's identity, and the rules about it that every service shares.
//!
//! The host checks the roles that a contract names after `for`, before a call reaches the component. The rules here are
//! about ownership. The operator has the permissions of staff.

use crate::host;
use crate::types::Problem;

pub use crate::bindings::switchyard::service::caller::Identity;

/// The role of the shop's customers.
pub const CUSTOMER: &str = "customer";
/// The role of the shop's staff.
pub const STAFF: &str = "staff";
/// The role of calls that the operator makes.
pub const OPERATOR: &str = "operator";

/// The identity that is signed in, if any.
#[must_use]
pub fn current() -> Option<Identity> {
    host::current_identity()
}

/// The service whose component made this call; `None` for a call from outside.
#[must_use]
pub fn calling_service() -> Option<String> {
    host::calling_service()
}

/// The identity that is signed in.
///
/// # Errors
///
/// [`Problem::Unauthenticated`] if nobody is signed in.
pub fn anyone() -> Result<Identity, Problem> {
    current().ok_or_else(Problem::unauthenticated)
}

/// The customer who is signed in.
///
/// # Errors
///
/// [`Problem::Unauthenticated`] if nobody is signed in, [`Problem::Forbidden`] for other roles.
pub fn customer() -> Result<Identity, Problem> {
    let identity = anyone()?;
    if identity.role == CUSTOMER { Ok(identity) } else { Err(Problem::forbidden("only a customer may")) }
}

/// Whether `identity` has the permissions of the shop's staff.
#[must_use]
pub fn is_staff(identity: &Identity) -> bool {
    identity.role == STAFF || identity.role == OPERATOR
}

/// Allows `owner` and staff. `thing` is the noun in the error, as in `no such order`.
///
/// # Errors
///
/// [`Problem::Unauthenticated`] if nobody is signed in; [`Problem::NotFound`] for another customer, so that the
/// existence is not revealed.
pub fn require_owner_or_staff(owner: &str, thing: &str) -> Result<Identity, Problem> {
    let identity = anyone()?;
    if identity.id == owner || is_staff(&identity) { Ok(identity) } else { Err(no_such(thing)) }
}

/// Allows only `owner`.
///
/// # Errors
///
/// Like [`require_owner_or_staff`], and also [`Problem::NotFound`] for staff.
pub fn require_owner(owner: &str, thing: &str) -> Result<Identity, Problem> {
    let identity = anyone()?;
    if identity.id == owner { Ok(identity) } else { Err(no_such(thing)) }
}

/// Allows only a call that the operator makes directly, and no call from another service.
///
/// # Errors
///
/// [`Problem::Forbidden`] for all other callers.
pub fn require_operator() -> Result<(), Problem> {
    let is_operator = current().is_some_and(|identity| identity.role == OPERATOR);
    if is_operator && calling_service().is_none() { Ok(()) } else { Err(Problem::forbidden("only the operator may")) }
}

fn no_such(thing: &str) -> Problem {
    Problem::not_found(format!("no such {thing}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native;

    fn status(result: Result<Identity, Problem>) -> u16 {
        match result {
            Ok(_) => 200,
            Err(Problem::Unauthenticated(_)) => 401,
            Err(Problem::Forbidden(_)) => 403,
            Err(Problem::NotFound(_)) => 404,
            Err(problem) => panic!("{problem:?}"),
        }
    }

    #[test]
    fn who_may_touch_the_things_of_anna() {
        let cases = [
            // The caller, then the results of customer(), require_owner, require_owner_or_staff.
            (None, 401, 401, 401),
            (Some(("anna", CUSTOMER)), 200, 200, 200),
            (Some(("ben", CUSTOMER)), 200, 404, 404),
            (Some(("sue", STAFF)), 403, 404, 200),
            (Some(("operator", OPERATOR)), 403, 404, 200),
            (Some(("eve", "guest")), 403, 404, 404),
        ];
        for (who, customers, owners, owners_or_staff) in cases {
            native::reset();
            if let Some((id, role)) = who {
                native::sign_in(id, role, None);
            }
            assert_eq!(status(customer()), customers, "{who:?}");
            assert_eq!(status(require_owner("anna", "cart")), owners, "{who:?}");
            assert_eq!(status(require_owner_or_staff("anna", "cart")), owners_or_staff, "{who:?}");
        }
    }

    #[test]
    fn the_operator_passes_only_where_no_service_stands_between() {
        native::reset();
        assert!(require_operator().is_err());
        native::sign_in("sue", STAFF, None);
        assert!(require_operator().is_err());
        native::sign_in("operator", OPERATOR, None);
        assert!(require_operator().is_ok());
        native::call_from("cart");
        assert!(require_operator().is_err());
    }
}
