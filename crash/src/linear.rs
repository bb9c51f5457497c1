//! Whether what concurrent clients saw of a register is linearizable: whether there is one order of all operations, each
//! of them at one instant between its call and its answer, in which every read gives what was written last.
//!
//! The search is Wing and Gong's with Lowe's memory of what was tried. Registers are checked one by one, which is enough:
//! linearizability is local.

use std::collections::HashSet;

/// What is in a register: nothing, or a number.
pub(crate) type Content = Option<u32>;

/// An operation as its client saw it. Times are of one clock that never gives the same twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) called: u64,
    /// Nothing where there was no answer: it may have had its effect, or not, or have it yet.
    pub(crate) answered: Option<u64>,
    pub(crate) effect: Effect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Write(Content),
    /// What the answer gave.
    Read(Content),
}

/// The first answer, by the clock, that fits into no order with all that was before; none when the history is
/// linearizable. `initial` is what the register held before.
pub(crate) fn first_wrong(initial: Content, history: &[Operation]) -> Option<Operation> {
    let mut answers: Vec<_> = history.iter().filter(|operation| operation.answered.is_some()).collect();
    answers.sort_unstable_by_key(|operation| operation.answered);
    // What is wrong stays wrong, whatever comes behind it.
    let fits = answers.partition_point(|last| is_linearizable(initial, &until(history, last.answered)));
    answers.get(fits).map(|operation| **operation)
}

/// The history as it was known at `time`.
fn until(history: &[Operation], time: Option<u64>) -> Vec<Operation> {
    let known = history.iter().filter(|operation| Some(operation.called) <= time);
    known
        .map(|operation| Operation { answered: operation.answered.filter(|at| Some(*at) <= time), ..*operation })
        .collect()
}

/// Whether there is such an order.
fn is_linearizable(initial: Content, history: &[Operation]) -> bool {
    let search = Search::new(history);
    let mut tried = HashSet::new();
    let mut open = vec![Place { done: Set::none(search.operations.len()), content: initial }];
    while let Some(place) = open.pop() {
        let Some(candidates) = search.candidates(&place.done) else { return true };
        // A read that is right can always come first: it changes nothing.
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

/// How far a search has come: what is in the order, and what the register holds then.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    done: Set,
    content: Content,
}

/// The operations that an order has to have or may have, in the order of their calls.
struct Search {
    operations: Vec<Operation>,
}

impl Search {
    fn new(history: &[Operation]) -> Self {
        let read = |content| history.iter().any(|operation| operation.effect == Effect::Read(content));
        // Of what was never answered, only a write that somebody read makes a difference.
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

    /// What may come next: was called before any other that is left was answered. None when every answer is explained.
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
