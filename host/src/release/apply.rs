//! Brings a running host to what a manifest, components and contracts say: all of it as one change.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::comings::{self, Added};
use super::deploy::{JUDGEMENTS_MAX, Plan, refused};
use super::draft::{Draft, Question};
use super::error::DeployError;
use super::judge::Judged;
use super::plan::{Difference, Fate};
use super::state::State;
use super::tokens::Holder;
use super::verdict::Verdict;
use super::{Inner, Releases};
use crate::config::{Manifest, Signature};
use crate::contract::Sources;
use crate::names::{Digest, ServiceName};

/// What a host is to be.
#[derive(Debug)]
pub struct Wanted {
    /// No file that it names is read.
    pub manifest: Manifest,
    /// A service without one keeps that which it runs.
    pub components: BTreeMap<ServiceName, Digest>,
    /// Without any the current ones count.
    pub contracts: Option<Sources>,
    pub reason: Option<String>,
    pub signatures: BTreeMap<ServiceName, Signature>,
}

/// What there was to do, and whether it is done.
#[derive(Debug)]
pub struct Applied {
    pub differences: Vec<Difference>,
    /// Components that have to be uploaded first. With any here nothing was judged or done.
    pub missing: Vec<Digest>,
    /// Of the components that have to be judged.
    pub verdicts: Vec<Verdict>,
    pub applied: bool,
}

impl Releases {
    /// Finds what it takes to come to `wanted` and, but for a `dry_run`, does it: releases swapped, services added and
    /// removed, settings changed, at one instant for all calls. What only a restart takes up is told and left.
    ///
    /// Calls under way end on what they began with; of a removed service too. Its store and its releases are kept.
    ///
    /// # Errors
    ///
    /// [`DeployError`]; all is as it was. Of a dry run that would be refused, the verdicts say so.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not end it: it goes on in the background.
    pub async fn apply(&self, who: &Holder, wanted: Wanted, dry_run: bool) -> Result<Applied, DeployError> {
        let (inner, who) = (Arc::clone(&self.inner), who.clone());
        self.to_the_end(async move { inner.apply(&who, wanted, dry_run).await }).await
    }
}

impl Inner {
    async fn apply(self: &Arc<Self>, who: &Holder, wanted: Wanted, dry_run: bool) -> Result<Applied, DeployError> {
        let plan = Plan { reason: wanted.reason.clone(), dry_run, ..Plan::default() };
        let wanted = Arc::new(wanted);
        for _ in 0..JUDGEMENTS_MAX {
            let state = self.state.load_full();
            let (inner, known, asked) = (Arc::clone(self), Arc::clone(&state), Arc::clone(&wanted));
            let drafting = tokio::task::spawn_blocking(move || inner.draft(&known, &asked));
            let (draft, Question { scene, proposals }) = drafting.await??;
            if !draft.missing.is_empty() || !draft.changes_anything() {
                let applied = draft.missing.is_empty() && !dry_run;
                return Ok(draft.told(Vec::new(), applied));
            }
            let judged = self.judge(who, move |_| Ok(scene), &proposals, &plan).await;
            if !Arc::ptr_eq(&state, &self.state.load_full()) {
                // Whatever was found, it is of what was: what was live may be swept already.
                continue;
            }
            let judged = judged?;
            let is_accepted = judged.iter().all(|judged| judged.verdict.accepted);
            if dry_run {
                return Ok(draft.told(verdicts(judged), false));
            }
            if !is_accepted {
                let verdicts = verdicts(judged);
                self.tell(verdicts.iter().map(|verdict| refused(who, &state, verdict, &plan)).collect())?;
                return Err(DeployError::Refused { verdicts });
            }
            let _changing = self.changing.lock().await;
            if !Arc::ptr_eq(&state, &self.state.load_full()) {
                continue;
            }
            self.take_up(who, &state, &draft, &judged, &plan).await?;
            return Ok(draft.told(verdicts(judged), true));
        }
        Err(DeployError::Busy)
    }

    /// Makes a draft real. Whoever calls this holds `changing`.
    ///
    /// A crash before the ledger has the change leaves what was: files that no release names are swept with the next
    /// change, and a store that was added is one that is kept. From the ledger on the change counts: the next start uses
    /// the stores that the manifest has, and sweeps what is left.
    async fn take_up(
        &self,
        who: &Holder,
        state: &Arc<State>,
        draft: &Draft,
        judged: &[Judged],
        plan: &Plan,
    ) -> Result<(), DeployError> {
        for judged in judged {
            self.workshop.components.put(&judged.record.digest, &judged.component)?;
        }
        let added = comings::add(&self.stores, &draft.comings).await?;
        if let Err(error) = self.make_draft(who, state, draft, judged, plan, &added).await {
            let stores = self.stores.clone();
            tokio::task::spawn_blocking(move || comings::take_back(&stores, added)).await?;
            return Err(error);
        }
        for running in self.state.load().services.values() {
            let limits = running.settings.limits(&draft.manifest.limits);
            running.service.store().set_bytes_max(limits.store_bytes_max);
        }
        for (name, _) in draft.comparison.fates.iter().filter(|(_, fate)| **fate == Fate::Remove) {
            self.stores.detach(name);
        }
        self.workshop.adopt(draft.contracts);
        self.sweep();
        Ok(())
    }

    async fn make_draft(
        &self,
        who: &Holder,
        state: &Arc<State>,
        draft: &Draft,
        judged: &[Judged],
        plan: &Plan,
        added: &BTreeMap<ServiceName, Added>,
    ) -> Result<(), DeployError> {
        let stores = added.iter().map(|(name, added)| (name.clone(), added.store.clone())).collect();
        let next = draft.next(state, judged, &stores);
        let events = draft.events(who, state, judged, plan);
        // What could not run at all is found before any data is touched.
        next.routing()?;
        for (name, Added { store, .. }) in added {
            self.close_given_up(name, store).await?;
            self.calls.find_intents_in(store)?;
        }
        for judged in judged {
            let name = &judged.verdict.service;
            if let Some((coming, running)) = draft.comings.get(name).zip(next.services.get(name)) {
                self.bring_data(coming, &running.service, judged).await?;
            }
        }
        match judged.iter().any(|judged| judged.needs_migration(state)) {
            true => self.migrate(next, judged, events).await,
            false => self.make(next, false, events),
        }
    }
}

impl Draft {
    fn told(self, verdicts: Vec<Verdict>, applied: bool) -> Applied {
        Applied { differences: self.comparison.differences, missing: self.missing, verdicts, applied }
    }
}

fn verdicts(judged: Vec<Judged>) -> Vec<Verdict> {
    let finished = judged.into_iter().map(|mut judged| {
        judged.verdict.finish();
        judged.verdict
    });
    finished.collect()
}
