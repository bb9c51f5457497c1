//! A clock that a test sets: the time of day steps forward and back, and both clocks stall and jump.
//!
//! It replaces the clocks of the whole process, but not the timers of tokio, which a test pauses and advances itself.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::machine;

/// The installed clock.
static INSTALLED: Mutex<Option<Clock>> = Mutex::new(None);

/// Held by the test whose clock is installed.
static TURN: Mutex<()> = Mutex::new(());

#[derive(Debug, Clone, Copy)]
struct Clock {
    /// The value of both clocks at the last change.
    monotonic: Instant,
    unix_micros: u64,
    /// When the machine's clock was read for the last change; `None` while the clock stalls.
    runs_since: Option<Instant>,
}

impl Clock {
    fn of_machine() -> Self {
        let monotonic = machine::now();
        Self { monotonic, unix_micros: machine::unix_micros(), runs_since: Some(monotonic) }
    }

    /// Adds the time since the last change.
    fn settle(&mut self) {
        if let Some(since) = self.runs_since {
            let now = machine::now();
            self.advance(now.saturating_duration_since(since));
            self.runs_since = Some(now);
        }
    }

    fn advance(&mut self, by: Duration) {
        self.monotonic += by;
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.unix_micros = self.unix_micros.saturating_add(micros);
    }
}

/// Replaces the clocks of the process until it is dropped. It starts with the machine's time, and runs.
#[derive(Debug)]
pub struct SimulatedClock(#[expect(dead_code, reason = "held until the clock is dropped")] MutexGuard<'static, ()>);

impl SimulatedClock {
    /// Waits while another one is installed.
    #[must_use]
    pub fn install() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        *installed() = Some(Clock::of_machine());
        Self(turn)
    }

    /// Sets the time of day, forward or back. The monotonic clock does not change.
    pub fn set_unix_micros(&self, unix_micros: u64) {
        change(|clock| clock.unix_micros = unix_micros);
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        change(|clock| clock.advance(by));
    }

    /// Stops both clocks, until [`Self::resume`].
    pub fn stall(&self) {
        change(|clock| clock.runs_since = None);
    }

    /// Lets both clocks continue from their current values.
    pub fn resume(&self) {
        change(|clock| clock.runs_since = Some(machine::now()));
    }
}

impl Drop for SimulatedClock {
    fn drop(&mut self) {
        *installed() = None;
    }
}

fn installed() -> MutexGuard<'static, Option<Clock>> {
    INSTALLED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn change(change: impl FnOnce(&mut Clock)) {
    if let Some(clock) = installed().as_mut() {
        clock.settle();
        change(clock);
    }
}

fn read<T>(of: impl FnOnce(&Clock) -> T, machine: impl FnOnce() -> T) -> T {
    match installed().as_mut() {
        Some(clock) => {
            clock.settle();
            of(clock)
        }
        None => machine(),
    }
}

thread_local! {
    /// The time of day of this thread, and the value of its timers when it was set.
    static OF_THREAD: std::cell::Cell<Option<(Instant, u64)>> = const { std::cell::Cell::new(None) };
}

/// The current time of this thread's runtime, paused or not.
fn timers() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// A clock of this thread alone: it shows the time of its paused timers, and its time of day steps forward and back.
#[derive(Debug)]
pub struct TimerClock(std::marker::PhantomData<*const ()>);

impl TimerClock {
    /// Sets the time of day to `unix_micros`.
    #[must_use]
    pub fn install(unix_micros: u64) -> Self {
        OF_THREAD.set(Some((timers(), unix_micros)));
        Self(std::marker::PhantomData)
    }

    /// Moves the time of day by `seconds`, forward or back. The timers do not change.
    pub fn step(&self, seconds: i64) {
        let (since, unix_micros) = OF_THREAD.get().unwrap_or((timers(), 0));
        OF_THREAD.set(Some((since, unix_micros.saturating_add_signed(seconds.saturating_mul(1_000_000)))));
    }

    /// Sets the time of day. The timers do not change.
    pub fn set_unix_micros(&self, unix_micros: u64) {
        OF_THREAD.set(Some((timers(), unix_micros)));
    }
}

impl Drop for TimerClock {
    fn drop(&mut self) {
        OF_THREAD.set(None);
    }
}

/// Whether this thread has its own clock: then all of its host runs in it.
pub(crate) fn is_of_thread() -> bool {
    OF_THREAD.get().is_some()
}

pub(super) fn now() -> Instant {
    if is_of_thread() {
        return timers();
    }
    read(|clock| clock.monotonic, machine::now)
}

pub(super) fn unix_micros() -> u64 {
    if let Some((since, unix_micros)) = OF_THREAD.get() {
        let passed = timers().saturating_duration_since(since);
        return unix_micros.saturating_add(u64::try_from(passed.as_micros()).unwrap_or(u64::MAX));
    }
    read(|clock| clock.unix_micros, machine::unix_micros)
}
