//! Recent calls of the functions of a service that only read: a deploy repeats them on the candidate.
//!
//! Invariant: the arguments never leave the memory of this process. They may be secrets, such as bearer tokens, so
//! nothing logs, stores or shows them.
//!
//! Recording is on the path of every reading call. A call that is not recorded costs a lock that it does not wait for,
//! and a search for a pointer among a few. While another call has the lock, a call is not recorded. Once a function has
//! been seen often enough, only one of [`CALLS_PER_SAMPLE`] calls is looked at.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use wasmtime::component::Val;

use crate::contract::Function;
use crate::limits::{RECENT_CALL_BYTES_MAX, RECENT_CALLS_MAX, RECENT_FUNCTIONS_MAX};
use crate::names::{Identity, ServiceName};
use crate::runtime::json_bytes;

/// Of a function that is called often, one call in so many is recorded.
const CALLS_PER_SAMPLE: u64 = 64;

/// So many calls of a function are recorded before sampling begins: the first ones are often alike.
const CALLS_BEFORE_SAMPLING: u64 = 4 * RECENT_CALLS_MAX as u64;

/// The inputs of a call that only read.
#[derive(Clone, PartialEq)]
pub(in crate::call) struct RecentCall {
    pub(in crate::call) function: Arc<Function>,
    pub(in crate::call) arguments: Arc<[Val]>,
    pub(in crate::call) identity: Option<Identity>,
    pub(in crate::call) calling_service: Option<ServiceName>,
}

impl fmt::Debug for RecentCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentCall").field("function", &self.function.name.wit).finish_non_exhaustive()
    }
}

/// The recent calls of one service, a few for each function.
#[derive(Debug, Default)]
pub(in crate::call) struct RecentCalls(Mutex<Vec<FunctionCalls>>);

#[derive(Debug)]
struct FunctionCalls {
    function: Arc<Function>,
    seen: u64,
    /// Where the next call goes once the list is full.
    next: usize,
    calls: Vec<RecentCall>,
}

impl RecentCalls {
    /// Records the inputs of a call, or does not: see the head of this file.
    pub(in crate::call) fn record(
        &self,
        function: &Arc<Function>,
        arguments: &Arc<[Val]>,
        identity: Option<&Identity>,
        calling_service: Option<&ServiceName>,
    ) {
        let mut all = match self.0.try_lock() {
            Ok(all) => all,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let known = match all.iter().position(|known| Arc::ptr_eq(&known.function, function)) {
            Some(known) => known,
            None => {
                // Functions that nothing else names belong to contracts of earlier releases.
                all.retain(|known| Arc::strong_count(&known.function) > 1 + known.calls.len());
                if all.len() >= RECENT_FUNCTIONS_MAX {
                    return;
                }
                all.push(FunctionCalls { function: Arc::clone(function), seen: 0, next: 0, calls: Vec::new() });
                all.len() - 1
            }
        };
        let Some(known) = all.get_mut(known) else { return };
        known.seen += 1;
        if known.seen > CALLS_BEFORE_SAMPLING && known.seen % CALLS_PER_SAMPLE != 0 {
            return;
        }
        known.add(arguments, identity, calling_service);
    }

    /// All recorded calls, those of one function together, the newest function last.
    pub(in crate::call) fn all(&self) -> Vec<RecentCall> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().flat_map(|known| known.calls.iter().cloned()).collect()
    }
}

impl FunctionCalls {
    fn add(&mut self, arguments: &Arc<[Val]>, identity: Option<&Identity>, calling_service: Option<&ServiceName>) {
        let mut left = RECENT_CALL_BYTES_MAX;
        for argument in arguments.iter() {
            match left.checked_sub(json_bytes(argument, left)) {
                Some(rest) => left = rest,
                None => return,
            }
        }
        let call = RecentCall {
            function: Arc::clone(&self.function),
            arguments: Arc::clone(arguments),
            identity: identity.cloned(),
            calling_service: calling_service.cloned(),
        };
        if self.calls.contains(&call) {
            return;
        }
        if self.calls.len() < RECENT_CALLS_MAX {
            self.calls.push(call);
        } else if let Some(oldest) = self.calls.get_mut(self.next) {
            *oldest = call;
            self.next = (self.next + 1) % RECENT_CALLS_MAX;
        }
    }
}

#[cfg(test)]
mod tests;
