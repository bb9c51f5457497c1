//! The history of a host: read line by line it gives the releases, and each change has its lines in it, once.

use std::collections::BTreeMap;

use switchyard::names::{Digest, ServiceName};
use switchyard::release::{ChangeKind, HistoryEntry, ServiceView};

use super::order::{Course, Line, Order};
use super::world::World;

/// The name under which the host's own changes are in the history.
const HOST: &str = "host";

/// A service, as the lines until then say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) is_there: bool,
    pub(crate) live: Digest,
    pub(crate) candidate: Option<Digest>,
    /// The version of its data.
    data: u64,
    /// The lowest version that entries may have: a migration begins there.
    oldest_data: u64,
}

impl Service {
    /// A new one, with no data.
    fn new(live: Digest) -> Self {
        Self { is_there: true, live, candidate: None, data: 0, oldest_data: 0 }
    }

    /// A release that writes `version` of the data, and does not migrate it, gets calls.
    fn writes(mut self, version: u64) -> Self {
        self.oldest_data = self.oldest_data.min(version);
        self
    }

    /// A release that writes `version` of the data is deployed.
    fn deployed(mut self, version: u64) -> Self {
        if version > self.oldest_data {
            self.data = version;
        }
        self.oldest_data = version;
        self
    }
}

pub(crate) type State = BTreeMap<ServiceName, Service>;

/// What the operator was told of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing yet, or nothing before the host ended.
    Unknown,
    Made,
    NotMade,
}

/// A change that was ordered.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) order: Order,
    /// Where a rollback goes to.
    pub(crate) back: Option<Digest>,
    pub(crate) end: End,
}

/// The name of the operator who orders the change `number`: the lines of the change have it.
pub(crate) fn operator_of(number: usize) -> String {
    format!("change {number}")
}

/// The name of the operator who abandons intents for the `number`-th time.
pub(crate) fn abandoner_of(number: usize) -> String {
    format!("abandon {number}")
}

/// A history that was read.
pub(crate) struct History<'a> {
    world: &'a World,
    lines: &'a [HistoryEntry],
    /// The state before each line, and after the last one.
    states: Vec<State>,
    pub(crate) wrong: Vec<String>,
}

impl<'a> History<'a> {
    /// Reads `lines`, the oldest first. `changes` are those that were ordered.
    pub(crate) fn read(world: &'a World, lines: &'a [HistoryEntry], changes: &[Change]) -> Self {
        let mut history = Self { world, lines, states: vec![State::new()], wrong: Vec::new() };
        let mut state = State::new();
        for (number, line) in (1..).zip(lines) {
            if line.number != number {
                history.wrong.push(format!("line {number} of the history has the number {}", line.number));
            }
            let is_shadow = changes.iter().enumerate().any(|(number, change)| {
                operator_of(number) == line.who && matches!(change.order, Order::Candidate(_, _, Course::Shadow))
            });
            if let Err(why) = follow(world, &mut state, line, is_shadow) {
                history.wrong.push(format!("{why}: {}", text(line)));
            }
            history.states.push(state.clone());
        }
        history
    }

    /// Checks that the services run what the history says.
    pub(crate) fn check_services(&mut self, services: &[ServiceView]) {
        let found = services.iter().map(|view| {
            let candidate = view.candidate.as_ref().map(|candidate| candidate.release.digest);
            (&view.name, view.live.digest, candidate)
        });
        let state = self.states.last().into_iter().flatten().filter(|(_, service)| service.is_there);
        let due = state.map(|(name, service)| (name, service.live, service.candidate));
        let (found, due): (Vec<_>, Vec<_>) = (found.collect(), due.collect());
        if found != due {
            let wrong = format!("{found:?} are live and candidates, and the history says {due:?}");
            self.wrong.push(wrong);
        }
        for view in services {
            let state = self.states.last().and_then(|state| state.get(&view.name));
            if let Some(service) = state.filter(|service| service.data != view.data_version) {
                let (found, due) = (view.data_version, service.data);
                self.wrong.push(format!("the data of {} has version {found}, and by the history {due}", view.name));
            }
        }
    }

    /// Checks that each of `changes` has its lines. Where `decides`, nothing is under way: a change of which nobody knows
    /// whether it was made was made exactly if it has lines.
    pub(crate) fn check_changes(&mut self, changes: &mut [Change], decides: bool) {
        let mut of_changes = vec![Vec::new(); changes.len()];
        let operators: Vec<_> = (0..changes.len()).map(operator_of).collect();
        for (index, line) in self.lines.iter().enumerate() {
            match operators.iter().position(|operator| *operator == line.who) {
                Some(number) => of_changes.get_mut(number).into_iter().for_each(|of: &mut Vec<_>| of.push(index)),
                None if is_of_host(line) || line.what == ChangeKind::GiveUp => {}
                None => self.wrong.push(format!("nobody ordered this: {}", text(line))),
            }
        }
        let mut earlier = 0;
        for (number, change) in changes.iter_mut().enumerate() {
            let own = of_changes.get(number).map(Vec::as_slice).unwrap_or_default();
            let later = of_changes.iter().skip(number + 1).flatten().min().copied().unwrap_or(self.lines.len());
            if let Err(why) = self.check_change(change, own, earlier..=later) {
                let lines = own.iter().filter_map(|index| self.lines.get(*index)).map(text).collect::<Vec<_>>();
                self.wrong.push(format!("{why}: change {number}, {change:?}, has {lines:?}"));
            }
            if decides && change.end == End::Unknown {
                let is_made = own.iter().filter_map(|index| self.lines.get(*index)).any(|line| !is_refusal(line));
                change.end = if is_made { End::Made } else { End::NotMade };
            }
            earlier = own.last().map_or(earlier, |last| last + 1);
        }
    }

    /// Checks one change with the lines `own`; those of others leave the states of `between` to it.
    fn check_change(
        &self,
        change: &Change,
        own: &[usize],
        between: std::ops::RangeInclusive<usize>,
    ) -> Result<(), &'static str> {
        let due = |state: &State| sorted(change.order.lines(self.world, state, change.back));
        if own.iter().zip(own.iter().skip(1)).any(|(one, next)| one + 1 != *next) {
            return Err("its lines are apart");
        }
        let lines: Vec<_> = own.iter().filter_map(|index| self.lines.get(*index)).collect();
        if lines.iter().any(|line| is_refusal(line)) {
            let mut services: Vec<_> = lines.iter().map(|line| &line.service).collect();
            services.sort();
            services.dedup();
            let is_one = services.len() == lines.len();
            let are_refusals = lines.iter().all(|line| change.order.refuses(self.world, line));
            return match change.end != End::Made && is_one && are_refusals {
                true => Ok(()),
                false => Err("it has wrong refusals"),
            };
        }
        // A change that ends a trial by the way says so in a line of its own.
        let own_lines = lines.iter().filter(|line| line.what != ChangeKind::Replaced);
        let found = own_lines.filter_map(|line| Some((line.service.clone()?, line.what, line.to)));
        let found = sorted(found.collect());
        let Some(first) = own.first() else {
            let needs_none = |at| self.states.get(at).is_some_and(|state| due(state).is_empty());
            return if change.end != End::Made || between.into_iter().any(needs_none) {
                Ok(())
            } else {
                Err("it is not in the history")
            };
        };
        if change.end == End::NotMade {
            return Err("it was not made, and is in the history");
        }
        let expected = self.states.get(*first).map(due).unwrap_or_default();
        if found == expected { Ok(()) } else { Err("it has other lines than it should have") }
    }

    /// Checks that each intent that was abandoned has a line, and no other one.
    pub(crate) fn check_abandoned(&mut self, abandoned: &[End]) {
        let lines = self.lines.iter().filter(|line| line.what == ChangeKind::GiveUp);
        let lines: Vec<_> = lines.collect();
        let mut known = 0;
        for (number, end) in abandoned.iter().enumerate() {
            let count = lines.iter().filter(|line| line.who == abandoner_of(number)).count();
            known += count;
            let is_right = match end {
                End::Made => count == 1,
                End::NotMade => count == 0,
                End::Unknown => count <= 1,
            };
            if !is_right {
                self.wrong.push(format!("abandoning no. {number}, {end:?}, is in the history {count} times"));
            }
        }
        if known != lines.len() {
            self.wrong.push("an intent was abandoned by nobody".into());
        }
    }
}

fn sorted(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort_by_key(|(service, what, _)| (service.clone(), format!("{what:?}")));
    lines
}

fn is_refusal(line: &HistoryEntry) -> bool {
    line.what == ChangeKind::Refused
}

/// Whether the host may have made this change by itself: it starts services, and looks after candidates.
fn is_of_host(line: &HistoryEntry) -> bool {
    let kinds = [ChangeKind::Add, ChangeKind::Step, ChangeKind::Promote, ChangeKind::TakenOut];
    line.who == HOST && kinds.contains(&line.what)
}

/// Makes of `state` what `line` says; an error when it does not follow. `is_shadow` for a candidate that begins in shadow.
fn follow(world: &World, state: &mut State, line: &HistoryEntry, is_shadow: bool) -> Result<(), &'static str> {
    let name = line.service.clone().ok_or("a line is about no service")?;
    let before = state.get(&name).cloned();
    let is_there = before.as_ref().is_some_and(|service| service.is_there);
    if line.what == ChangeKind::GiveUp || line.what == ChangeKind::Refused && !is_there {
        return Ok(());
    }
    let (live, candidate) = (before.as_ref().map(|service| service.live), before.as_ref().and_then(|it| it.candidate));
    let from = match line.what {
        ChangeKind::Abort | ChangeKind::TakenOut | ChangeKind::Replaced => candidate,
        _ => live,
    };
    if line.from != from {
        return Err("a line is not from what was there");
    }
    if is_there == matches!(line.what, ChangeKind::Add | ChangeKind::Drop) {
        return Err("a line is about a service that is there, or is not");
    }
    let service =
        before.clone().or_else(|| Some(Service::new(line.to?))).ok_or("a line says of no component that it runs")?;
    let version = line.to.map_or(0, |to| world.data_version(to));
    let of_candidate = candidate.map_or(0, |candidate| world.data_version(candidate));
    let runs = |service: Service| Some(Service { is_there: true, live: line.to?, candidate: None, ..service });
    let after = match line.what {
        ChangeKind::Add | ChangeKind::Deploy => runs(service.deployed(version)),
        ChangeKind::Rollback => runs(service.writes(version)),
        ChangeKind::Remove => Some(Service { is_there: false, candidate: None, ..service }),
        ChangeKind::Candidate if is_shadow => Some(Service { candidate: line.to, ..service }),
        ChangeKind::Candidate => Some(Service { candidate: line.to, ..service.writes(version) }),
        ChangeKind::Refused => Some(service),
        ChangeKind::Drop => {
            state.remove(&name);
            return Ok(());
        }
        ChangeKind::Step | ChangeKind::Promote if candidate.is_none() || line.to != candidate => {
            return Err("a line is about another candidate than there is");
        }
        ChangeKind::Step => Some(service.writes(of_candidate)),
        ChangeKind::Promote => runs(service.writes(of_candidate)),
        ChangeKind::Abort | ChangeKind::TakenOut if candidate.is_none() || line.to != live => {
            return Err("a candidate that there is not was taken out");
        }
        ChangeKind::Replaced if candidate.is_none() => return Err("a trial that there is not was ended"),
        ChangeKind::Abort | ChangeKind::TakenOut | ChangeKind::Replaced => Some(Service { candidate: None, ..service }),
        _ => return Err("nobody makes such changes"),
    };
    state.insert(name, after.ok_or("a line says of no component that it runs")?);
    Ok(())
}

fn text(line: &HistoryEntry) -> String {
    let HistoryEntry { number, who, service, what, from, to, .. } = line;
    let short = |digest: &Option<Digest>| digest.map(|digest| digest.hex().chars().take(6).collect::<String>());
    let service = service.as_ref().map_or("", |service| service.as_str());
    format!("{number}: {who}, {service}, {what:?} from {:?} to {:?}", short(from), short(to))
}
