//! What the holder of a token may do.

use super::error::AdminError;
use crate::release::Holder;

/// Refuses a token that is no admin's: its holder may not do `what`.
pub(super) fn admin_only(who: &Holder, what: &str) -> Result<(), AdminError> {
    match who.is_admin() {
        true => Ok(()),
        false => Err(AdminError::forbidden(format!("The token {:?} may not {what}.", who.name))),
    }
}
