//! Apply: brings a running host to a manifest with its components and contracts, in one change.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::error::DeployError;
use super::super::judging::judge::Judged;
use super::super::judging::verdict::Verdict;
use super::super::records::state::State;
use super::super::records::token::Holder;
use super::super::releases::{Inner, Releases};
use super::apply_plan::{ApplyPlan, JudgeRequest, Wanted};
use super::change_set::ChangeSet;
use super::compare::Difference;
use super::deploy::{JUDGEMENTS_MAX, Plan, refused, verdicts};
use crate::names::{Digest, ServiceName};
use crate::store::Store;
use crate::tasks::CancellationToken;

/// The outcome of an apply.
#[derive(Debug)]
pub struct Applied {
    pub differences: Vec<Difference>,
    /// Components that must be uploaded first. If there are any, nothing was judged or changed.
    pub missing: Vec<Digest>,
    /// The verdicts on the components that had to be judged.
    pub verdicts: Vec<Verdict>,
    pub applied: bool,
}

impl Releases {
    /// Plans how the host becomes `wanted`, and does it unless it is a `dry_run`: releases are swapped, services added
    /// and removed, and settings changed at the same moment for all calls. Settings that need a restart are only
    /// reported.
    ///
    /// Running calls finish on their earlier release, also those of a removed service. Its store and its releases are
    /// kept.
    ///
    /// # Errors
    ///
    /// [`DeployError`]; the host is unchanged. If a dry run would be refused, its verdicts say so.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends a compilation, and the apply with it: everything is as before. Otherwise the apply
    /// continues in the background.
    pub async fn apply(&self, who: &Holder, wanted: Wanted, dry_run: bool) -> Result<Applied, DeployError> {
        let (inner, who) = (Arc::clone(&self.inner), who.clone());
        let (cancellation, _guard) = CancellationToken::with_guard();
        self.to_the_end(async move { inner.apply(&who, wanted, dry_run, &cancellation).await }).await
    }
}

impl Inner {
    async fn apply(
        self: &Arc<Self>,
        who: &Holder,
        wanted: Wanted,
        dry_run: bool,
        cancellation: &CancellationToken,
    ) -> Result<Applied, DeployError> {
        let plan = Plan { reason: wanted.reason.clone(), dry_run, ..Plan::default() };
        for _ in 0..JUDGEMENTS_MAX {
            let state = self.state.load_full();
            let (draft, JudgeRequest { input, proposals }) = self.plan_apply(&state, &wanted)?;
            if !draft.missing.is_empty() || !draft.changes_anything(&state) {
                let applied = draft.missing.is_empty() && !dry_run;
                return Ok(draft.applied(Vec::new(), applied));
            }
            let judged = self.judge(who, move |_| Ok(input), &proposals, &plan, cancellation).await;
            if !Arc::ptr_eq(&state, &self.state.load_full()) {
                // The verdict is on an older state: components that were live then may already be deleted.
                continue;
            }
            let mut judged = judged?;
            judged.iter_mut().for_each(|judged| judged.verdict.finish());
            let is_accepted = judged.iter().all(|judged| judged.verdict.accepted);
            if dry_run {
                return Ok(draft.applied(verdicts(judged), false));
            }
            let _changing = self.changing.lock().await;
            if !Arc::ptr_eq(&state, &self.state.load_full()) {
                continue;
            }
            if !is_accepted {
                let verdicts = verdicts(judged);
                let events = verdicts.iter().map(|verdict| refused(who, &state, verdict, &plan)).collect();
                self.run(ChangeSet::note(&state, events)).await?;
                return Err(DeployError::Refused { verdicts });
            }
            self.take_up(who, &state, &draft, &judged, &plan).await?;
            return Ok(draft.applied(verdicts(judged), true));
        }
        Err(DeployError::Busy)
    }

    /// Runs the plan. The caller holds `changing`.
    async fn take_up(
        &self,
        who: &Holder,
        state: &Arc<State>,
        draft: &ApplyPlan,
        judged: &[Judged],
        plan: &Plan,
    ) -> Result<(), DeployError> {
        for judged in judged {
            self.loader.components.put(&judged.record.digest, &judged.component)?;
        }
        let (stores, added) = self.add_stores(draft)?;
        if let Some(error) = stores.values().find_map(|store| self.calls.find_intents_in(store).err()) {
            self.take_back_stores(&added);
            return Err(error.into());
        }
        let (after, migrations) = draft.after(state, judged, &stores);
        let mut set = ChangeSet::swap(state, after, draft.events(who, state, judged, plan));
        (set.migrations, set.added) = (migrations, added);
        self.run(set).await
    }

    /// Adds the stores of new services, and returns which stores are new. A crash before the commit leaves empty stores
    /// without a service: the next start drops them.
    fn add_stores(&self, draft: &ApplyPlan) -> Result<AddedStores, DeployError> {
        let (mut stores, mut added) = (BTreeMap::new(), Vec::new());
        for (name, service) in &draft.added_services {
            let is_new = self.stores.kept_store(name).is_none();
            match self.stores.add(name, service.store_bytes_max) {
                Ok(store) => {
                    stores.insert(name.clone(), store);
                    added.push((name.clone(), is_new));
                }
                Err(error) => {
                    self.take_back_stores(&added);
                    return Err(error.into());
                }
            }
        }
        Ok((stores, added))
    }
}

/// The added stores, and for each name whether the store is new.
type AddedStores = (BTreeMap<ServiceName, Store>, Vec<(ServiceName, bool)>);

impl ApplyPlan {
    fn applied(self, verdicts: Vec<Verdict>, applied: bool) -> Applied {
        Applied { differences: self.comparison.differences, missing: self.missing, verdicts, applied }
    }
}
