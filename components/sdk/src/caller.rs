//! Who a call is made for, and the rules about it that every service shares.
//!
//! The roles that a contract names behind `for` are checked before a call reaches the component; what is here is about
//! whose things they are. The operator may see and do what staff may.

use crate::host;
use crate::types::Problem;

pub use crate::bindings::switchyard::service::caller::Identity;

/// The role of the shop's customers.
pub const CUSTOMER: &str = "customer";
/// The role of the shop's staff.
pub const STAFF: &str = "staff";
/// The role of calls that the operator makes.
pub const OPERATOR: &str = "operator";

/// Who is signed in, if anybody is.
#[must_use]
pub fn current() -> Option<Identity> {
    host::current_identity()
}

/// The service whose component made this call; nothing when it came from outside.
#[must_use]
pub fn calling_service() -> Option<String> {
    host::calling_service()
}

/// Who is signed in.
///
/// # Errors
///
/// [`Problem::Unauthenticated`] for nobody.
pub fn anyone() -> Result<Identity, Problem> {
    current().ok_or_else(Problem::unauthenticated)
}

/// The customer who is signed in.
///
/// # Errors
///
/// [`Problem::Unauthenticated`] for nobody, [`Problem::Forbidden`] for anybody else.
pub fn customer() -> Result<Identity, Problem> {
    let identity = anyone()?;
    if identity.role == CUSTOMER { Ok(identity) } else { Err(Problem::forbidden("only a customer may")) }
}

/// Whether `identity` may see and do what the shop's staff may.
#[must_use]
pub fn is_staff(identity: &Identity) -> bool {
    identity.role == STAFF || identity.role == OPERATOR
}

/// Lets `owner` and staff pass. `thing` is what is looked for, as in `no such order`.
///
/// # Errors
///
/// [`Problem::Unauthenticated`] for nobody; [`Problem::NotFound`] for another customer: existence is not told.
pub fn require_owner_or_staff(owner: &str, thing: &str) -> Result<Identity, Problem> {
    let identity = anyone()?;
    if identity.id == owner || is_staff(&identity) { Ok(identity) } else { Err(no_such(thing)) }
}

/// Lets `owner` alone pass.
///
/// # Errors
///
/// As [`require_owner_or_staff`], for staff too.
pub fn require_owner(owner: &str, thing: &str) -> Result<Identity, Problem> {
    let identity = anyone()?;
    if identity.id == owner { Ok(identity) } else { Err(no_such(thing)) }
}

/// Lets only the operator's own call pass, and no call that another service makes.
///
/// # Errors
///
/// [`Problem::Forbidden`] for everybody else.
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
            // who, customer(), require_owner, require_owner_or_staff
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
