//! What a run used besides its arguments, its release, its store and the answers of other services.
//!
//! Invariant: two runs that read the same data and used nothing here give the same answer. So nothing that can differ from
//! run to run reaches a guest without a note here.

/// What a run used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses {
    /// The wall clock, the monotonic clock, or a sleep.
    pub clock: bool,
    /// Random bytes. The seed of hash tables is the same for all reading calls of a host, and does not count.
    pub randomness: bool,
    /// The identity of the caller.
    pub identity: bool,
    /// The name of the calling service.
    pub calling_service: bool,
    /// Hosts outside.
    pub outside: bool,
    /// It printed, which another run would do again.
    pub log: bool,
    /// The machine lacked something, which another run may get.
    pub shortage: bool,
}

impl Uses {
    /// What a call used whose own run used `self`, and a call below it `below`.
    #[must_use]
    pub fn with_below(self, below: Self) -> Self {
        Self {
            clock: self.clock || below.clock,
            randomness: self.randomness || below.randomness,
            identity: self.identity || below.identity,
            // The calls below are made by this service, whoever its own caller is.
            calling_service: self.calling_service,
            outside: self.outside || below.outside,
            log: self.log || below.log,
            shortage: self.shortage || below.shortage,
        }
    }
}
