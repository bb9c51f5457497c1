//! The permissions of a token's holder.

use super::error::AdminError;
use crate::release::Holder;

/// Refuses a holder whose token is no admin token; `what` is the forbidden action.
pub(super) fn admin_only(who: &Holder, what: &str) -> Result<(), AdminError> {
    match who.is_admin() {
        true => Ok(()),
        false => Err(AdminError::forbidden(format!("The token {:?} may not {what}.", who.name))),
    }
}
