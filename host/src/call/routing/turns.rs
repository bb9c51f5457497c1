//! Turns: after a call lost a commit, calls of its kind run one after another for a while, instead of running in order
//! to lose.
//!
//! A turn belongs to one key of a store. A call has it from before its run until its commit has a place in the journal,
//! or until it calls another service, which may take long. The kind of a call is its function, and the argument that names
//! the key: the text that occurs in it.
//!
//! Invariant: a call that has a turn waits only for its own run, its commit and later keys. Calls take turns in the order
//! of the keys. So no two wait for each other, and every turn ends.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OwnedMutexGuard;
use wasmtime::component::Val;

use super::kind::{Kind, Texts};
use crate::clock;
use crate::contract::Function;
use crate::observe::calls::ServiceCalls;

/// How long after a conflict calls of its kind wait for their turn. Then some run beside each other again, so that calls
/// which change different things by now do not wait for ever. That costs a contested key about one conflict a second.
const EXPECTED_FOR: Duration = Duration::from_secs(1);

/// Keys whose turns are known at once: more than are usually contested in one second, and few enough to be compared with
/// every call. Calls that lose on further ones run again without a turn.
const KEYS_MAX: usize = 64;

/// Kinds of calls that are known to change one key: functions mostly, of which a service has few that write the same.
const KINDS_MAX: usize = 8;

/// The turns of one service.
#[derive(Debug, Default)]
pub(in crate::call) struct Turns {
    /// Whether there are keys: without any, a call costs one load.
    is_contested: AtomicBool,
    keys: Mutex<Vec<ContestedKey>>,
}

/// A key on which a call lost.
#[derive(Debug)]
struct ContestedKey {
    key: Arc<str>,
    queue: Arc<tokio::sync::Mutex<()>>,
    /// The calls that are expected to change it.
    kinds: Vec<Kind>,
    /// When that is not expected any more.
    until: Instant,
}

impl ContestedKey {
    fn is_used(&self) -> bool {
        Arc::strong_count(&self.queue) > 1
    }
}

/// The turns that one run holds, until they are given up, or all clones are dropped.
#[derive(Debug, Clone, Default)]
pub(in crate::call) struct HeldTurns(Option<Arc<Mutex<Vec<OwnedMutexGuard<()>>>>>);

impl HeldTurns {
    /// Lets others have them. The run goes on, and may lose.
    pub(in crate::call) fn give_up(&self) {
        if let Some(held) = &self.0 {
            held.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, Vec<ContestedKey>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys that a call of `function` with `arguments` is expected to change, and that other calls want.
    pub(in crate::call) fn expected(&self, function: &Function, arguments: &[Val]) -> BTreeSet<Arc<str>> {
        if !self.is_contested.load(Ordering::Relaxed) {
            return BTreeSet::new();
        }
        let texts = Texts::of(arguments);
        let mut keys = self.lock();
        let now = clock::now();
        keys.retain(|known| now < known.until || known.is_used());
        self.is_contested.store(!keys.is_empty(), Ordering::Relaxed);
        let expected = keys.iter().filter(|known| now < known.until);
        let expected = expected.filter(|known| known.kinds.iter().any(|kind| kind.has(function, &texts)));
        expected.map(|known| Arc::clone(&known.key)).collect()
    }

    /// A run lost on `key`: its next one can take the turn.
    pub(in crate::call) fn lost(&self, key: &Arc<str>) {
        self.with_key(key, |_| ());
    }

    /// From now on calls like that of `function` with `arguments` are expected to change `key`, on which it lost.
    pub(in crate::call) fn expect(&self, function: &Function, arguments: &[Val], key: &Arc<str>) {
        let kind = Kind::of(function, &Texts::of(arguments), key);
        if kind.is_unnamed() {
            let mut keys = self.lock();
            let others = keys.iter_mut().filter(|known| known.key != *key);
            others.for_each(|other| other.kinds.retain(|known| *known != kind));
        }
        self.with_key(key, |known| {
            let has_room = known.kinds.len() < KINDS_MAX;
            match known.kinds.iter_mut().find(|known| **known == kind) {
                Some(known) => known.lost_again(),
                None if has_room => known.kinds.push(kind),
                None => {}
            }
        });
    }

    /// Changes what is known of `key`, if there is room for it.
    fn with_key(&self, key: &Arc<str>, change: impl FnOnce(&mut ContestedKey)) {
        let mut keys = self.lock();
        let until = clock::now() + EXPECTED_FOR;
        if let Some(known) = keys.iter_mut().find(|known| known.key == *key) {
            known.until = until;
            change(known);
            return;
        }
        if keys.len() >= KEYS_MAX {
            let unused = keys.iter().enumerate().filter(|(_, known)| !known.is_used());
            let Some(first) = unused.min_by_key(|(_, known)| known.until).map(|(at, _)| at) else { return };
            keys.swap_remove(first);
        }
        let mut new = ContestedKey { key: Arc::clone(key), queue: Arc::default(), kinds: Vec::new(), until };
        change(&mut new);
        keys.push(new);
        self.is_contested.store(true, Ordering::Relaxed);
    }

    /// Waits for the turn of each of `keys`, first come, first served.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up all turns, and the place in the queue.
    pub(in crate::call) async fn take(&self, keys: &BTreeSet<Arc<str>>, calls: &ServiceCalls) -> HeldTurns {
        let (mut held, mut waited) = (Vec::with_capacity(keys.len()), false);
        for key in keys {
            let queue = self.lock().iter().find(|known| known.key == *key).map(|known| Arc::clone(&known.queue));
            let Some(queue) = queue else { continue };
            held.push(match Arc::clone(&queue).try_lock_owned() {
                Ok(turn) => turn,
                Err(_taken) => {
                    waited = true;
                    queue.lock_owned().await
                }
            });
        }
        if waited {
            calls.had_turn();
        }
        HeldTurns((!held.is_empty()).then(|| Arc::new(Mutex::new(held))))
    }
}

#[cfg(test)]
mod tests;
