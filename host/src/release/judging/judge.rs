//! Judges proposed releases: everything that can be checked without running the component.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::super::error::DeployError;
use super::super::loading::loader::{LoadError, ReleaseLoader};
use super::super::records::record::{DataFormat, ReleaseRecord};
use super::super::records::state::State;
use super::super::records::stored_data::DataFit;
use super::isolated::millis;
use super::judge_input::{JudgeInput, Live, Proposal, ServiceContext, joined};
use super::signature::check_signature;
use super::verdict::{Asks, Check, Verdict};
use crate::call::LoadedRelease;
use crate::clock;
use crate::config::{DeploySettings, Grant, SignedRelease, grants_text};
use crate::contract::{
    Compatibility, Contracts, Level, Neighbour, OutboundHttp, Surface, Unreadable, VerdictProblem, World,
    check_together, judge_http_surface,
};
use crate::limits::VERDICT_LINES_MAX;
use crate::names::{Digest, ServiceName};
use crate::observe::error_chain;
use crate::runtime::{ChildError, CompileError, DataDescription};
use crate::tasks::CancellationToken;

/// The terms for all releases that are proposed together.
#[derive(Debug, Clone)]
pub(in crate::release) struct Terms<'a> {
    pub(in crate::release) by: &'a str,
    pub(in crate::release) reason: Option<&'a str>,
    pub(in crate::release) grants: &'a [Grant],
    /// Whether a signature may be older than an accepted one.
    pub(in crate::release) allow_old_signature: bool,
    /// Whether they first run beside the live releases.
    pub(in crate::release) as_candidates: bool,
    /// Ends what takes long.
    pub(in crate::release) cancellation: &'a CancellationToken,
}

/// A proposed release, and the verdict on it.
#[derive(Debug)]
pub(in crate::release) struct Judged {
    pub(in crate::release) record: ReleaseRecord,
    pub(in crate::release) component: Bytes,
    /// `None` if it cannot run.
    pub(in crate::release) release: Option<Arc<LoadedRelease>>,
    /// What it says of its data.
    pub(in crate::release) data: DataDescription,
    /// How it fits the data that is there.
    pub(in crate::release) fit: DataFit,
    pub(in crate::release) verdict: Verdict,
}

/// A proposal with the parsed component.
struct Read<'a> {
    proposal: &'a Proposal,
    context: &'a ServiceContext,
    surface: Result<Arc<Surface>, Unreadable>,
    world: Arc<World>,
    digest: Digest,
}

impl Read<'_> {
    /// The live release, if it has the same component and the same contract.
    fn live_already(&self) -> Option<&Live> {
        let live = self.context.live.as_ref();
        live.filter(|live| live.digest == self.digest && live.world.name == self.world.name)
    }
}

/// Judges everything that needs no run of a component. Blocks, and for long when a component is compiled.
pub(in crate::release) fn judge(
    loader: &ReleaseLoader,
    input: &JudgeInput,
    settings: &DeploySettings,
    proposals: &[Proposal],
    terms: &Terms<'_>,
) -> Result<Vec<Judged>, DeployError> {
    let (contracts_digest, contracts) = &input.contracts;
    let read = proposals.iter().map(|proposal| read(loader, input, proposal));
    let read = read.collect::<Result<Vec<_>, _>>()?;
    let together = together(input, &read);
    if proposals.is_empty() {
        // No verdict covers this error, for example of a mount that moves.
        together.map_err(LoadError::from)?;
        return Ok(Vec::new());
    }
    let mut judged = Vec::new();
    for proposed in &read {
        let mut verdict = Verdict::new(&proposed.proposal.service, proposed.digest, &proposed.world.name);
        let began = clock::now();
        signature(&mut verdict, settings, proposed, terms);
        let record = record(proposed, terms, contracts_digest, !settings.signers.is_empty());
        contract(&mut verdict, contracts, input, proposed, &record);
        if let Ok(surface) = &proposed.surface {
            compatibility(&mut verdict, loader, input, proposed, surface, &read)?;
        }
        if let Err(error) = &together {
            verdict.refused(Check::Compatibility, "the services", "contracts that go together", error.to_string(), "");
        }
        let same = |live: &Live| *proposed.world == *live.world;
        if terms.as_candidates && !proposed.context.live.as_ref().is_some_and(same) {
            let found = "another contract than the live release keeps";
            verdict.refused(
                Check::Compatibility,
                &proposed.world.name,
                "a candidate that keeps the contract",
                found,
                "swap it in full",
            );
        }
        verdict.timings.insert("judgeMs", millis(began));
        let release =
            if verdict.accepted { start(&mut verdict, loader, proposed, &record, terms.cancellation)? } else { None };
        let component = proposed.proposal.component.clone();
        judged.push(Judged {
            record,
            component,
            release,
            data: DataDescription::default(),
            fit: DataFit::Same,
            verdict,
        });
    }
    Ok(judged)
}

fn read<'a>(loader: &ReleaseLoader, input: &'a JudgeInput, proposal: &'a Proposal) -> Result<Read<'a>, DeployError> {
    let context = input.context(&proposal.service)?;
    let world = input.world(loader, &proposal.service)?;
    let surface = Surface::read(&proposal.component).map(Arc::new);
    Ok(Read { proposal, context, surface, world, digest: Digest::of(&proposal.component) })
}

/// Whether the contracts fit together once all proposals are live.
fn together(input: &JudgeInput, read: &[Read<'_>]) -> Result<(), crate::contract::ContractError> {
    let mut worlds: BTreeMap<_, _> =
        input.around.iter().map(|(name, live)| (name.clone(), Arc::clone(&live.world))).collect();
    for proposed in read {
        worlds.insert(proposed.proposal.service.clone(), Arc::clone(&proposed.world));
    }
    check_together(&worlds.into_iter().collect::<Vec<_>>(), &input.mounts)
}

fn signature(verdict: &mut Verdict, settings: &DeploySettings, proposed: &Read<'_>, terms: &Terms<'_>) {
    if settings.signers.is_empty() {
        return;
    }
    if proposed.live_already().is_some() {
        return verdict.passed(Check::Signature, "it is live already");
    }
    let contract = &proposed.world.name;
    let release = SignedRelease { service: &proposed.proposal.service, contract, component: &proposed.digest };
    let signature = proposed.proposal.signature.as_ref();
    let oldest = if terms.allow_old_signature { 0 } else { proposed.context.signed };
    match check_signature(&settings.signers, &release, signature, oldest) {
        Ok(()) => verdict.passed(Check::Signature, "signed by one of the manifest's signers"),
        Err(found) => {
            let expected =
                format!("a signature for {} and {contract} by one of the manifest's signers", release.service);
            verdict.refused(Check::Signature, "the component", &expected, found.to_string(), found.advice());
        }
    }
}

fn record(proposed: &Read<'_>, terms: &Terms<'_>, contracts: &Digest, has_signers: bool) -> ReleaseRecord {
    let Read { context, digest, world, .. } = proposed;
    let granted = joined(&context.granted, terms.grants);
    ReleaseRecord {
        number: context.last + 1,
        digest: *digest,
        contracts: context.settings.contract.as_ref().map(|_| *contracts),
        world: world.name.to_string(),
        deployed_at: clock::unix_micros(),
        by: terms.by.into(),
        reason: terms.reason.map(Into::into),
        environment: context.settings.environment.clone(),
        outbound_hosts: joined(&context.settings.outbound_hosts, &granted),
        granted,
        data: DataFormat::default(),
        signature: match proposed.live_already() {
            Some(live) => live.signature,
            // Without signers no signature was checked.
            None => proposed.proposal.signature.filter(|_| has_signers),
        },
        was_left: false,
    }
}

fn contract(
    verdict: &mut Verdict,
    contracts: &Contracts,
    input: &JudgeInput,
    proposed: &Read<'_>,
    record: &ReleaseRecord,
) {
    let surface = proposed.surface.as_ref().map(AsRef::as_ref);
    // The check of grants reports the imports that need a grant.
    let judged = match record.contracts {
        Some(_) => contracts.judge_surface(&proposed.world, surface, OutboundHttp::Granted),
        None => judge_http_surface(surface),
    };
    if judged.accepted {
        verdict.passed(Check::Contract, format!("it keeps {}", proposed.world.name));
    } else {
        let keeps = |live: &Live| {
            surface.is_ok() && contracts.judge_surface(&live.world, surface, OutboundHttp::Granted).accepted
        };
        let other = input.around.iter().find(|(name, live)| **name != proposed.proposal.service && keeps(live));
        let meant =
            other.map(|(name, _)| format!("; it keeps that of {name}: did you mean `switchyard deploy {name}`?"));
        let detail = format!("it does not keep {}{}", proposed.world.name, meant.unwrap_or_default());
        verdict.failed(Check::Contract, detail, judged.problems);
        verdict.problems_more += judged.problems_more;
    }
    verdict.asks = Asks { needs_grant: judged.needs_grant, ..Asks::default() };
    if verdict.asks.needs_grant.is_empty() {
        return;
    }
    if record.outbound_hosts.is_empty() && record.contracts.is_none() {
        let detail = "it may import outbound HTTP, and no host is granted: each of its requests is denied";
        verdict.passed(Check::Grants, detail);
    } else if record.outbound_hosts.is_empty() {
        let found = format!("it imports {}", verdict.asks.needs_grant.join(", "));
        let detail = "name each host that it may reach with `--grant HOST`, or with `outbound_hosts` in the manifest";
        verdict.refused(Check::Grants, "imports", "no outbound HTTP without a grant", found, detail);
    } else {
        verdict.passed(Check::Grants, format!("it may reach {}", grants_text(&record.outbound_hosts)));
    }
}

fn compatibility(
    verdict: &mut Verdict,
    loader: &ReleaseLoader,
    input: &JudgeInput,
    proposed: &Read<'_>,
    surface: &Surface,
    read: &[Read<'_>],
) -> Result<(), LoadError> {
    let service = &proposed.proposal.service;
    let beside = read.iter().filter_map(|other| Some((&other.proposal.service, other.surface.as_ref().ok()?)));
    let mut neighbours: BTreeMap<_, _> = beside.map(|(name, surface)| (name, Arc::clone(surface))).collect();
    for (name, live) in &input.around {
        if !neighbours.contains_key(name) {
            neighbours.insert(name, loader.surface(&live.digest)?);
        }
    }
    neighbours.remove(service);
    let live = proposed.context.live.as_ref().map(|live| loader.surface(&live.digest)).transpose()?;
    let live = live.unwrap_or_default();
    let neighbours = neighbours.iter().map(|(service, surface)| Neighbour { service, surface });
    let mut contracts = vec![&*proposed.world];
    contracts.extend(proposed.context.live.as_ref().map(|live| &*live.world));
    let compatibility = Compatibility::judge_by(&live, surface, neighbours, &contracts);
    verdict.asks.more.clone_from(&compatibility.asks_more);
    verdict.asks.less.clone_from(&compatibility.asks_less);
    if proposed.context.settings.contract.is_none() {
        verdict.passed(Check::Compatibility, "no other service calls it");
        return Ok(());
    }
    match compatibility.level {
        Level::Breaking => {
            let services: Vec<_> = compatibility.breaks.iter().map(|found| found.service.as_str()).collect();
            let detail = format!("it does not fit {}: swap them as one with `--set`", services.join(", "));
            let problems = compatibility.breaks.iter().flat_map(|found| {
                let told = |problem: &VerdictProblem| {
                    let path = format!("{} · {}", found.service, problem.path);
                    VerdictProblem { path, ..problem.clone() }
                };
                found.problems.iter().map(told).collect::<Vec<_>>()
            });
            let mut problems: Vec<_> = problems.collect();
            let more: usize = compatibility.breaks.iter().map(|found| found.problems_more).sum();
            verdict.problems_more += more + problems.len().saturating_sub(VERDICT_LINES_MAX);
            problems.truncate(VERDICT_LINES_MAX);
            verdict.failed(Check::Compatibility, detail, problems);
        }
        Level::Compatible => {
            verdict.passed(Check::Compatibility, "its contract changes, and all live neighbours still fit")
        }
        Level::DropIn => verdict.passed(Check::Compatibility, "it is a drop-in for the live release"),
    }
    verdict.compatibility = Some(compatibility);
    Ok(())
}

/// The services that do not fit `service` with the kept component `digest`.
pub(in crate::release) fn breaks(
    loader: &ReleaseLoader,
    state: &State,
    service: &ServiceName,
    (live, digest): (&Digest, &Digest),
) -> Result<Vec<ServiceName>, LoadError> {
    let others = state.services.iter().filter(|(name, _)| *name != service);
    let surfaces = others.map(|(name, running)| Ok((name, loader.surface(&running.record.live.digest)?)));
    let surfaces = surfaces.collect::<Result<Vec<_>, LoadError>>()?;
    let neighbours = surfaces.iter().map(|(service, surface)| Neighbour { service, surface });
    let compatibility = Compatibility::judge(&*loader.surface(live)?, &*loader.surface(digest)?, neighbours);
    Ok(compatibility.breaks.iter().map(|found| found.service.clone()).collect())
}

/// Compiles and links it.
fn start(
    verdict: &mut Verdict,
    loader: &ReleaseLoader,
    proposed: &Read<'_>,
    record: &ReleaseRecord,
    cancellation: &CancellationToken,
) -> Result<Option<Arc<LoadedRelease>>, LoadError> {
    let began = clock::now();
    let (service, limits) = (&proposed.proposal.service, &proposed.context.limits);
    let made = loader.release(service, limits, record, &proposed.proposal.component, cancellation);
    verdict.timings.insert("compileMs", millis(began));
    match made {
        Ok(release) => {
            memory(verdict, proposed, release.program.initial_memory_bytes());
            Ok(Some(release))
        }
        Err(error) if says_nothing_of_the_component(&error) => Err(error),
        Err(LoadError::Compile { source, .. }) => {
            verdict.refused(Check::Start, "the component", "one that the host can run", error_chain(&source), "");
            Ok(None)
        }
        Err(LoadError::Link { source, .. }) => {
            verdict.refused(Check::Start, "the component", "one that can be linked", error_chain(&source), "");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether the host could not compile it, or was not to.
fn says_nothing_of_the_component(error: &LoadError) -> bool {
    let LoadError::Compile { source, .. } = error else { return false };
    match source {
        CompileError::Cancelled | CompileError::NotStored => true,
        CompileError::Child(error) => matches!(error, ChildError::Io(_) | ChildError::Time),
        CompileError::Invalid { .. } | CompileError::OverLimit(_) => false,
    }
}

/// The component's initial memory: reported if it differs from the live release's, refused if it exceeds the limit of
/// the service.
fn memory(verdict: &mut Verdict, proposed: &Read<'_>, bytes: u64) {
    let bytes_max = proposed.context.limits.memory_bytes_max;
    if usize::try_from(bytes).is_ok_and(|bytes| bytes > bytes_max) {
        let expected = format!("at most limits.memory_bytes_max = {bytes_max} bytes");
        verdict.refused(Check::Start, "the component's memory", &expected, format!("{bytes} bytes at its start"), "");
    }
    let live = proposed.context.live.as_ref().map_or(0, |live| live.memory_bytes);
    let asks = format!("memory: {bytes} bytes at its start, {live} before");
    match bytes.cmp(&live) {
        std::cmp::Ordering::Greater => verdict.asks.more.push(asks),
        std::cmp::Ordering::Less => verdict.asks.less.push(asks),
        std::cmp::Ordering::Equal => {}
    }
}
