//! What the clients know, and what must be true of the stores because of it.

use std::sync::{Arc, Mutex, PoisonError};

use super::host::Life;
use super::steps::Request;

/// A request, and whether its client has an answer.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) request: Request,
    pub(crate) key: String,
    pub(crate) is_answered: bool,
    /// The operator gave its call up: what it did elsewhere stays, and its client may send it again as a new one.
    pub(crate) is_abandoned: bool,
}

/// All requests of a seed. Clones are the same ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model(Arc<Mutex<Vec<Sent>>>);

impl Model {
    fn with<T>(&self, work: impl FnOnce(&mut Vec<Sent>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a request, and gives its index.
    pub(crate) fn add(&self, request: Request) -> usize {
        self.with(|all| {
            let key = format!("key {}", all.len());
            all.push(Sent { request, key, is_answered: false, is_abandoned: false });
            all.len() - 1
        })
    }

    pub(crate) fn get(&self, index: usize) -> Option<Sent> {
        self.with(|all| all.get(index).cloned())
    }

    pub(crate) fn answered(&self, index: usize) {
        self.with(|all| all.get_mut(index).into_iter().for_each(|sent| sent.is_answered = true));
    }

    /// From now on requests that have no answer may have some of their effects.
    pub(crate) fn abandon_pending(&self) {
        let pending = |sent: &&mut Sent| !sent.is_answered && matches!(sent.request, Request::Count { .. });
        self.with(|all| all.iter_mut().filter(pending).for_each(|sent| sent.is_abandoned = true));
    }

    /// The indexes of the requests without an answer.
    pub(crate) fn pending(&self) -> Vec<usize> {
        self.with(|all| all.iter().enumerate().filter(|(_, sent)| !sent.is_answered).map(|(index, _)| index).collect())
    }

    /// What is wrong with the stores of `host`. `at_the_end` nothing is under way.
    pub(crate) fn check(&self, host: &Life, at_the_end: bool) -> anyhow::Result<Vec<String>> {
        let mut wrong = Vec::new();
        let list =
            |service, key| anyhow::Ok(host.stored(service, key)?.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let (sent_list, told, log) = (list("source", "sent")?, list("source", "told")?, list("sink", "log")?);
        for sent in self.with(|all| all.clone()) {
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
                    for (service, prefix) in [("front", 'a'), ("back", 'b')] {
                        let count = host.stored(service, &format!("{prefix}/{number}"))?;
                        check(service, number, count.parse().unwrap_or(0), due.clone());
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
                Request::Break { .. } => {}
            }
        }
        Ok(wrong)
    }
}
