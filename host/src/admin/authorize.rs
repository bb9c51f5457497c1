//! The operator's authority: whose token a request has, and what its holder may do.

use super::error::AdminError;
use super::server::Admin;
use crate::release::Holder;

impl Admin {
    /// The holder of the token `given`.
    pub(super) fn holder(&self, given: &[u8]) -> Option<Holder> {
        if self.token.load().matches(given) {
            return Some(Holder::admin());
        }
        self.releases.holder(given)
    }
}

/// Refuses a holder whose token is no admin token; `what` is the forbidden action.
pub(super) fn admin_only(who: &Holder, what: &str) -> Result<(), AdminError> {
    match who.is_admin() {
        true => Ok(()),
        false => Err(AdminError::forbidden(format!("The token {:?} may not {what}.", who.name))),
    }
}
