//! The changes that an operator orders, and the lines of the history that each of them adds when it is made.

use switchyard::names::{Digest, ServiceName};
use switchyard::platform::simulated::Random;
use switchyard::release::{ChangeKind, HistoryEntry};

use super::history::State;
use super::variants;
use super::world::{CLOCK, World};

/// The services that the operator deploys.
const SERVICES: [&str; 2] = ["front", "back"];

/// Services, and the numbers of the variants that they are to run.
pub(crate) type Variants = Vec<(&'static str, usize)>;

/// How a candidate gets its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// In shadow first, and then by steps.
    Shadow,
    /// By a header alone, until the operator says.
    Header,
    /// By steps, until it is as good as the live release at each.
    Steps,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// Makes these variants live, as one.
    Deploy(Variants),
    /// Makes a variant a candidate.
    Candidate(&'static str, usize, Course),
    Promote(&'static str),
    Abort(&'static str),
    /// Goes back to a kept release, counted from the newest.
    Rollback(&'static str, usize),
    /// Brings the host to a manifest with these variants, and with or without `clock`.
    Apply {
        variants: Variants,
        moves_clock: bool,
    },
    /// Drops what is left of `clock`.
    Drop,
}

/// What a line of the history is about: a service, the kind of change, and the component that counts then.
pub(crate) type Line = (ServiceName, ChangeKind, Option<Digest>);

impl Order {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let mut below = |end: usize| usize::try_from(random.below(end as u64)).unwrap_or(0);
        let numbers = 2 * (variants::VERSION_MAX + 1);
        let service = SERVICES.get(below(SERVICES.len())).copied().unwrap_or("front");
        match below(14) {
            0 | 1 => Self::Deploy(SERVICES.into_iter().map(|service| (service, below(numbers))).collect()),
            2 | 3 => Self::Deploy(vec![(service, below(numbers))]),
            4..=6 => {
                let course = [Course::Shadow, Course::Header, Course::Steps].get(below(3)).copied();
                // One that migrates data is refused.
                Self::Candidate(service, below(numbers / 2), course.unwrap_or(Course::Steps))
            }
            7 => Self::Promote(service),
            8 => Self::Abort(service),
            9 => Self::Rollback(service, below(3)),
            10 => Self::Apply { variants: Vec::new(), moves_clock: true },
            11 => Self::Drop,
            _ => {
                let changed = SERVICES.into_iter().filter(|_| below(3) > 0).collect::<Vec<_>>();
                let variants = changed.into_iter().map(|service| (service, below(numbers))).collect();
                Self::Apply { variants, moves_clock: below(2) == 0 }
            }
        }
    }

    /// The lines of the history that it adds to a host in `state`. `back` is where a rollback goes to.
    pub(crate) fn lines(&self, world: &World, state: &State, back: Option<Digest>) -> Vec<Line> {
        let service = |name: &str| state.iter().find(|(known, _)| known.as_str() == name);
        let line = |name: &str, what, to| Some((ServiceName::parse(name).ok()?, what, to));
        let deployed = |variants: &Variants| {
            let lines = variants.iter().filter_map(|(name, number)| {
                let to = world.digest(*number);
                let stays = service(name).is_some_and(|(_, service)| Some(service.live) == to);
                line(name, ChangeKind::Deploy, to).filter(|_| !stays)
            });
            lines.collect::<Vec<_>>()
        };
        match self {
            Self::Deploy(variants) => deployed(variants),
            Self::Candidate(name, number, _) => {
                line(name, ChangeKind::Candidate, world.digest(*number)).into_iter().collect()
            }
            Self::Promote(name) => {
                let candidate = service(name).and_then(|(_, service)| service.candidate);
                line(name, ChangeKind::Promote, candidate).into_iter().collect()
            }
            Self::Abort(name) => {
                let live = service(name).map(|(_, service)| service.live);
                line(name, ChangeKind::Abort, live).into_iter().collect()
            }
            Self::Rollback(name, _) => line(name, ChangeKind::Rollback, back).into_iter().collect(),
            Self::Apply { variants, moves_clock } => {
                let mut lines = deployed(variants);
                if *moves_clock {
                    let is_there = service(CLOCK).is_some_and(|(_, clock)| clock.is_there);
                    let (what, to) = match is_there {
                        true => (ChangeKind::Remove, None),
                        false => (ChangeKind::Add, Some(world.clock_digest)),
                    };
                    lines.extend(line(CLOCK, what, to));
                }
                lines
            }
            Self::Drop => line(CLOCK, ChangeKind::Drop, None).into_iter().collect(),
        }
    }

    /// Whether `line` may be the refusal of a part of it.
    pub(crate) fn refuses(&self, world: &World, line: &HistoryEntry) -> bool {
        let of = |(name, number): &(&str, usize)| {
            line.service.as_ref().is_some_and(|known| known.as_str() == *name) && line.to == world.digest(*number)
        };
        let is_one = match self {
            Self::Deploy(variants) | Self::Apply { variants, .. } => variants.iter().any(of),
            Self::Candidate(name, number, _) => of(&(*name, *number)),
            Self::Promote(_) | Self::Abort(_) | Self::Rollback(..) | Self::Drop => false,
        };
        // An apply that adds `clock` judges its component too.
        let is_clock = line.to == Some(world.clock_digest) && matches!(self, Self::Apply { moves_clock: true, .. });
        line.what == ChangeKind::Refused && (is_one || is_clock)
    }
}
