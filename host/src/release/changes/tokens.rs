//! Creating and revoking the operator's named tokens.

use super::super::error::DeployError;
use super::super::records::record::{ChangeKind, NewEntry};
use super::super::records::token::{self, Holder, Role, TokenRecord, TokenView};
use super::super::releases::Releases;
use super::change_set::ChangeSet;
use crate::config::AdminToken;
use crate::names::ServiceName;

/// The maximum of named tokens.
const TOKENS_MAX: usize = 1000;

impl Releases {
    /// The holder of the named token `given`.
    #[must_use]
    pub fn holder(&self, given: &[u8]) -> Option<Holder> {
        token::find(&self.state().tokens, given)
    }

    /// The named tokens, by name.
    #[must_use]
    pub fn tokens(&self) -> Vec<TokenView> {
        self.state().tokens.iter().map(TokenRecord::view).collect()
    }

    /// Creates a token. It is returned only this once.
    ///
    /// # Errors
    ///
    /// [`DeployError::Token`] when the name is in use or invalid, or there are too many tokens.
    pub async fn add_token(
        &self,
        who: &Holder,
        name: &str,
        role: Role,
        services: Vec<ServiceName>,
    ) -> Result<(TokenView, AdminToken), DeployError> {
        let (who, name) = (who.name.clone(), name.to_owned());
        self.change(move |_, state| {
            let refused = |why| Err(DeployError::Token { name: name.clone(), why });
            // A token's name has the form of a service's name: short, and harmless in a log.
            if ServiceName::parse(&name).is_err() || matches!(&*name, "admin" | "host") {
                return refused(
                    "a name is 1 to 40 lowercase letters, digits and hyphens, begins with a letter, and is not one of \
                     the host's own",
                );
            }
            if state.tokens.iter().any(|token| token.name == name) {
                return refused("the name is in use: revoke that token first");
            }
            if state.tokens.len() >= TOKENS_MAX {
                return refused("there are too many: revoke one first");
            }
            let mut bits = [0; 32];
            if getrandom::fill(&mut bits).is_err() {
                return refused("the system gives no randomness");
            }
            let token = AdminToken::from_bits(bits);
            let record = TokenRecord::new(&name, role, services, &token);
            let view = record.view();
            let mut set = ChangeSet::note(state, vec![line(&who, format!("created the token {name}, {role:?}"))]);
            let mut tokens = state.tokens.to_vec();
            tokens.push(record);
            tokens.sort_by(|one, other| one.name.cmp(&other.name));
            set.after.tokens = tokens.into();
            Ok((set, (view, token)))
        })
        .await
    }

    /// Revokes the token `name`; false when there is none.
    ///
    /// # Errors
    ///
    /// [`DeployError`]; the token is still valid.
    pub async fn revoke_token(&self, who: &Holder, name: &str) -> Result<bool, DeployError> {
        if self.state().tokens.iter().all(|token| token.name != name) {
            return Ok(false);
        }
        let (who, name) = (who.name.clone(), name.to_owned());
        self.change(move |_, state| {
            let mut set = ChangeSet::note(state, vec![line(&who, format!("revoked the token {name}"))]);
            set.after.tokens = state.tokens.iter().filter(|token| token.name != name).cloned().collect();
            Ok((set, true))
        })
        .await
    }
}

fn line(who: &str, reason: String) -> NewEntry {
    NewEntry { reason: Some(reason), ..NewEntry::of_host(who, ChangeKind::Token) }
}
