//! Whether the operations of concurrent clients on a register are linearizable: whether there is an order of all
//! operations, each at one moment between its call and its answer, in which every read returns the last written value.
//!
//! The search is Wing and Gong's, with Lowe's cache of tried states. Registers are checked one by one, which is
//! sufficient because linearizability is local.

use std::collections::HashSet;

/// The content of a register: nothing, or a number.
pub(crate) type Content = Option<u32>;

/// An operation as its client saw it. Times are from one clock that never shows the same time twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) called: u64,
    /// `None` without an answer: its effect may have happened, or not, or may still happen.
    pub(crate) answered: Option<u64>,
    pub(crate) effect: Effect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Write(Content),
    /// The value in the answer.
    Read(Content),
}

/// The first answer, by time, that fits into no order with everything before it; `None` when the history is
/// linearizable. `initial` is the first content of the register.
pub(crate) fn first_wrong(initial: Content, history: &[Operation]) -> Option<Operation> {
    let mut answers: Vec<_> = history.iter().filter(|operation| operation.answered.is_some()).collect();
    answers.sort_unstable_by_key(|operation| operation.answered);
    // A wrong prefix stays wrong, whatever follows.
    let fits = answers.partition_point(|last| is_linearizable(initial, &until(history, last.answered)));
    answers.get(fits).map(|operation| **operation)
}

/// The part of the history that was known at `time`.
fn until(history: &[Operation], time: Option<u64>) -> Vec<Operation> {
    let known = history.iter().filter(|operation| Some(operation.called) <= time);
    known
        .map(|operation| Operation { answered: operation.answered.filter(|at| Some(*at) <= time), ..*operation })
        .collect()
}

/// Whether such an order exists.
fn is_linearizable(initial: Content, history: &[Operation]) -> bool {
    let search = Search::new(history);
    let mut tried = HashSet::new();
    let mut open = vec![Place { done: Set::none(search.operations.len()), content: initial }];
    while let Some(place) = open.pop() {
        let Some(candidates) = search.candidates(&place.done) else { return true };
        // A correct read can always come first, because it changes nothing.
        let right = |index: &usize| matches!(search.effect(*index), Effect::Read(read) if read == place.content);
        let next = match candidates.iter().copied().find(right) {
            Some(read) => vec![read],
            None => candidates,
        };
        for index in next {
            let content = match search.effect(index) {
                Effect::Write(content) => content,
                Effect::Read(read) if read == place.content => read,
                Effect::Read(_) => continue,
            };
            let next = Place { done: place.done.with(index), content };
            if tried.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    false
}

/// The state of a search: the operations in the order so far, and the resulting content of the register.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    done: Set,
    content: Content,
}

/// The operations for the order, sorted by the time of their calls. Unanswered ones are optional.
struct Search {
    operations: Vec<Operation>,
}

impl Search {
    fn new(history: &[Operation]) -> Self {
        let read = |content| history.iter().any(|operation| operation.effect == Effect::Read(content));
        // Of the unanswered operations, only a write that was read makes a difference.
        let matters = |operation: &Operation| match operation.effect {
            _ if operation.answered.is_some() => true,
            Effect::Write(content) => read(content),
            Effect::Read(_) => false,
        };
        let mut operations: Vec<_> = history.iter().copied().filter(matters).collect();
        operations.sort_unstable_by_key(|operation| operation.called);
        Self { operations }
    }

    fn effect(&self, index: usize) -> Effect {
        self.operations.get(index).map_or(Effect::Read(None), |operation| operation.effect)
    }

    /// The operations that may come next: they were called before any remaining one was answered. `None` when every
    /// answer is explained.
    fn candidates(&self, done: &Set) -> Option<Vec<usize>> {
        let left = || self.operations.iter().enumerate().filter(|(index, _)| !done.has(*index));
        let first_answer = left().filter_map(|(_, operation)| operation.answered).min()?;
        Some(left().take_while(|(_, operation)| operation.called < first_answer).map(|(index, _)| index).collect())
    }
}

/// A set of small numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Set(Vec<u64>);

impl Set {
    fn none(end: usize) -> Self {
        Self(vec![0; end.div_ceil(64)])
    }

    fn has(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    fn with(&self, number: usize) -> Self {
        let mut set = self.clone();
        if let Some(word) = set.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
        set
    }
}

#[cfg(test)]
mod tests;
