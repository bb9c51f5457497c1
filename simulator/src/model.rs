//! The clients' knowledge, and what it implies for the stores.

use std::sync::{Arc, Mutex, PoisonError};

use super::host::Life;
use super::steps::Request;
use super::world::{CLOCK, TICK_MICROS};

/// A request, and whether its client has an answer.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) request: Request,
    pub(crate) key: String,
    pub(crate) is_answered: bool,
    /// The answer says that a nested call failed: `front` continued without it, and its effect may exist or not.
    pub(crate) is_partial: bool,
    /// The operator abandoned its call: its effects elsewhere stay, and its client may send it again as a new request.
    pub(crate) is_abandoned: bool,
    /// The store with its effects was dropped.
    pub(crate) dropped: Dropped,
}

/// Whether the store with the effects of a request was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    No,
    /// It may have been dropped, or the request came during the drop.
    Maybe,
    Yes,
}

/// All requests of a seed. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model(Arc<Mutex<Vec<Sent>>>);

impl Model {
    fn with<T>(&self, work: impl FnOnce(&mut Vec<Sent>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a request, and returns its index.
    pub(crate) fn add(&self, request: Request) -> usize {
        self.with(|all| {
            let key = format!("key {}", all.len());
            all.push(Sent {
                request,
                key,
                is_answered: false,
                is_partial: false,
                is_abandoned: false,
                dropped: Dropped::No,
            });
            all.len() - 1
        })
    }

    pub(crate) fn get(&self, index: usize) -> Option<Sent> {
        self.with(|all| all.get(index).cloned())
    }

    /// All requests as they are now.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.with(|all| all.clone())
    }

    /// The clients know only this from now on: the host goes on from an earlier instant.
    pub(crate) fn replace(&self, sent: Vec<Sent>) {
        self.with(|all| *all = sent);
    }

    pub(crate) fn answered(&self, index: usize, text: &str) {
        self.with(|all| {
            if let Some(sent) = all.get_mut(index) {
                sent.is_answered = true;
                sent.is_partial = text.contains("unavailable: ");
            }
        });
    }

    /// From now on requests without an answer may have some of their effects.
    pub(crate) fn abandon_pending(&self) {
        let pending = |sent: &&mut Sent| !sent.is_answered && matches!(sent.request, Request::Count { .. });
        self.with(|all| all.iter_mut().filter(pending).for_each(|sent| sent.is_abandoned = true));
    }

    /// The store of `clock` may be dropped from now on. Returns the requests whose effects end with it.
    pub(crate) fn drop_begins(&self) -> Vec<usize> {
        self.with(|all| {
            let of_clock = all.iter_mut().enumerate().filter(|(_, sent)| matches!(sent.request, Request::Log { .. }));
            let mut ending = Vec::new();
            for (index, sent) in of_clock {
                if sent.is_answered {
                    ending.push(index);
                }
                if sent.dropped == Dropped::No {
                    sent.dropped = Dropped::Maybe;
                }
            }
            ending
        })
    }

    /// The store was dropped: none of these effects may come back.
    pub(crate) fn drop_ended(&self, ending: &[usize]) {
        self.with(|all| {
            for index in ending {
                all.get_mut(*index).into_iter().for_each(|sent| sent.dropped = Dropped::Yes);
            }
        });
    }

    /// The indexes of the requests without an answer.
    pub(crate) fn pending(&self) -> Vec<usize> {
        self.with(|all| all.iter().enumerate().filter(|(_, sent)| !sent.is_answered).map(|(index, _)| index).collect())
    }

    /// The faults in the stores of `host`. `at_the_end` no call is running.
    pub(crate) fn check(&self, host: &Life, at_the_end: bool) -> anyhow::Result<Vec<String>> {
        let mut wrong = Vec::new();
        let list =
            |service, key| anyhow::Ok(host.stored(service, key)?.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let (sent_list, told, log) = (list("source", "sent")?, list("source", "told")?, list("sink", "log")?);
        let noted = list(CLOCK, "log")?;
        let ticks: Vec<u64> = list(CLOCK, "ticks")?.iter().filter_map(|time| time.parse().ok()).collect();
        let slots = ticks.iter().map(|time| time / TICK_MICROS);
        if !slots.clone().zip(slots.skip(1)).all(|(one, next)| one < next) {
            wrong.push(format!("a slot ran twice: {ticks:?}"));
        }
        for sent in self.sent() {
            let due = match (sent.is_abandoned, sent.is_answered) {
                (true, _) => 0..=usize::MAX,
                (false, true) => 1..=1,
                (false, false) => 0..=1,
            };
            let mut check = |what: &str, number: u64, count: usize, due: std::ops::RangeInclusive<usize>| {
                if !due.contains(&count) {
                    let Sent { key, is_answered, .. } = &sent;
                    wrong.push(format!(
                        "{what} {number} is there {count} times, not {due:?}: {key}, answered: {is_answered}"
                    ));
                }
            };
            match sent.request {
                Request::Count { number, .. } => {
                    let nested = if sent.is_partial && !sent.is_abandoned { 0..=1 } else { due.clone() };
                    for (service, prefix, due) in [("front", 'a', due), ("back", 'b', nested)] {
                        let count = host.stored(service, &format!("{prefix}/{number}"))?;
                        check(service, number, count.parse().unwrap_or(0), due);
                    }
                }
                Request::Emit { number, .. } => {
                    let text = number.to_string();
                    let count = |list: &[String]| list.iter().filter(|entry| **entry == text).count();
                    check("sent", number, count(&sent_list), due.clone());
                    let delivered = if at_the_end { due } else { 0..=1 };
                    check("told", number, count(&told), delivered.clone());
                    check("log", number, count(&log), delivered);
                }
                Request::Log { number } => {
                    let text = number.to_string();
                    let due = match sent.dropped {
                        Dropped::No => due,
                        Dropped::Maybe => 0..=1,
                        Dropped::Yes => 0..=0,
                    };
                    if host.has(CLOCK) {
                        check("noted", number, noted.iter().filter(|entry| **entry == text).count(), due);
                    }
                }
                Request::Break { .. } | Request::Tick => {}
            }
        }
        Ok(wrong)
    }
}
