//! The change back to an earlier release, and when it is refused: its file, the format and version of the data, its
//! signature, its callers.

use std::sync::Arc;

use super::super::error::DeployError;
use super::super::judging::judge::breaks;
use super::super::judging::signature::check_signature;
use super::super::records::record::{ChangeKind, NewEntry, ReleaseRecord};
use super::super::records::state::State;
use super::super::records::stored_data::{DataFit, format_text};
use super::super::records::token::Holder;
use super::super::releases::{Inner, Releases};
use super::change_set::{ChangeSet, Migration};
use crate::clock;
use crate::config::{SignedRelease, Signer};
use crate::names::{Digest, ServiceName};

impl Releases {
    /// Rolls back to the release that was live before, or to the kept release whose digest begins with `to`.
    ///
    /// If the data was migrated since, this needs `force`.
    ///
    /// # Errors
    ///
    /// [`DeployError`]; the live release stays.
    pub async fn rollback(
        &self,
        who: &Holder,
        name: &ServiceName,
        to: Option<&str>,
        force: bool,
        reason: Option<String>,
    ) -> Result<(), DeployError> {
        let (who, name, to) = (who.name.clone(), name.clone(), to.map(ToOwned::to_owned));
        self.change(move |inner, state| Ok((inner.rollback(state, &who, &name, to.as_deref(), force, reason)?, ())))
            .await
    }
}

impl Inner {
    /// The change that rolls back. Blocks while the release is loaded.
    pub(in crate::release) fn rollback(
        &self,
        state: &Arc<State>,
        who: &str,
        name: &ServiceName,
        to: Option<&str>,
        force: bool,
        reason: Option<String>,
    ) -> Result<ChangeSet, DeployError> {
        let running = state.running(name)?;
        if let Some(mirror) = running.record.mirror.as_ref().filter(|mirror| mirror.was_live)
            && to.is_none_or(|to| begins_with(&mirror.release.digest, to))
        {
            return self.hand_over(state, who, name, ChangeKind::Rollback, reason);
        }
        let found = match to {
            None => running.earlier(),
            Some(to) => running.record.kept.iter().enumerate().find(|(_, kept)| begins_with(&kept.digest, to)),
        };
        let which = || DeployError::NoEarlier { service: name.clone(), which: to.map(ToOwned::to_owned) };
        let (position, earlier) = found.ok_or_else(which)?;
        if let Some(path) = self.loader.missing(earlier) {
            return Err(DeployError::Missing { service: name.clone(), number: earlier.number, path });
        }
        let there = running.data();
        let fit = there.fit(&earlier.data, false);
        match fit {
            DataFit::OtherFormat if !force => {
                let (there, format) = (format_text(there.format.as_ref()), format_text(earlier.data.format.as_ref()));
                return Err(DeployError::OtherFormat { service: name.clone(), there, format });
            }
            DataFit::TooNew if !force => {
                let (there, reads_up_to) = (there.version, earlier.data.reads_up_to);
                return Err(DeployError::DataMovedOn { service: name.clone(), there, reads_up_to });
            }
            _ => {}
        }
        if !force {
            check_signed(&state.manifest.deploy.signers, name, earlier)?;
        }
        let release = self.loader.load(&running.service, earlier)?;
        if *release.world != *running.live.world {
            // It had another contract: other services may since depend on the new one.
            let broken = breaks(&self.loader, state, name, (&running.record.live.digest, &earlier.digest))?;
            if !broken.is_empty() {
                return Err(DeployError::Breaks { service: name.clone(), broken });
            }
        }
        let (from, to) = (Some(running.record.live.digest), Some(earlier.digest));
        let is_forced = matches!(fit, DataFit::OtherFormat | DataFit::TooNew);
        let figures = is_forced.then(|| serde_json::json!({ "dataForced": true }));
        let event = NewEntry { from, to, reason, figures, ..NewEntry::new(who, name, ChangeKind::Rollback) };
        let back = ReleaseRecord { deployed_at: clock::unix_micros(), ..earlier.clone() };
        let adopted = (fit == DataFit::Empty)
            .then(|| Migration::adopt(&running.service, &release, there.generation, earlier.data.writes, true));
        let next = running.back_to(position, back, release);
        let next = if adopted.is_some() { next.migrated() } else { next };
        let mut set = ChangeSet::of_one(state, name, next, event);
        set.migrations.extend(adopted);
        Ok(set)
    }
}

/// Whether `digest` begins with `prefix`, which may leave out the name of the hash.
fn begins_with(digest: &Digest, prefix: &str) -> bool {
    digest.to_string().starts_with(prefix) || digest.hex().starts_with(prefix)
}

/// Checks that an earlier release is signed by one of the current signers. Its number may be old, because a rollback
/// goes back.
fn check_signed(signers: &[Signer], service: &ServiceName, earlier: &ReleaseRecord) -> Result<(), DeployError> {
    if signers.is_empty() {
        return Ok(());
    }
    let release = SignedRelease { service, contract: &earlier.world, component: &earlier.digest };
    let checked = check_signature(signers, &release, earlier.signature.as_ref(), 0);
    checked.map_err(|fault| DeployError::Unsigned { service: service.clone(), digest: earlier.digest, fault })
}
