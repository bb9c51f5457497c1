//! `wasi:clocks`: the time of the root call, so that a re-run of the call sees the same time.
//!
//! The wall clock stands still. The monotonic clock advances only by the guest's sleeps: a program that sleeps until
//! some time continues, and a program that spins until some time runs into its deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use crate::clock;

const MICROS_PER_SECOND: u64 = 1_000_000;
const NANOS_PER_MICRO: u64 = 1_000;

/// The time that one instance sees.
#[derive(Debug)]
pub(in crate::runtime) struct Time {
    unix_micros: u64,
    /// Whether the guest has read a clock or slept.
    is_used: bool,
    /// The value of the monotonic clock; created when the guest first reads it.
    nanos: Option<Arc<AtomicU64>>,
}

impl Time {
    pub(in crate::runtime) fn new(unix_micros: u64) -> Self {
        Self { unix_micros, is_used: false, nanos: None }
    }

    /// Microseconds since the Unix epoch.
    pub(super) fn unix_micros(&mut self) -> u64 {
        self.is_used = true;
        self.unix_micros
    }

    pub(in crate::runtime) fn is_used(&self) -> bool {
        self.is_used
    }

    fn nanos(&mut self) -> &Arc<AtomicU64> {
        self.is_used = true;
        let begin = self.unix_micros.saturating_mul(NANOS_PER_MICRO);
        self.nanos.get_or_insert_with(|| Arc::new(AtomicU64::new(begin)))
    }
}

pub(in crate::runtime) struct View<'a> {
    pub(in crate::runtime) time: &'a mut Time,
    pub(in crate::runtime) table: &'a mut ResourceTable,
}

impl wall_clock::Host for View<'_> {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let unix_micros = self.time.unix_micros();
        let micros = u32::try_from(unix_micros % MICROS_PER_SECOND)?;
        Ok(wall_clock::Datetime { seconds: unix_micros / MICROS_PER_SECOND, nanoseconds: micros * 1000 })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: 1000 })
    }
}

impl monotonic_clock::Host for View<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.time.nanos().load(Ordering::Relaxed))
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(NANOS_PER_MICRO)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let shown = Arc::clone(self.time.nanos());
        let wait = Duration::from_nanos(when.saturating_sub(shown.load(Ordering::Relaxed)));
        let sleep = Sleep { until: clock::now().checked_add(wait).map(Into::into), when, shown };
        let sleep = self.table.push(sleep)?;
        subscribe(self.table, sleep)
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let now = self.time.nanos().load(Ordering::Relaxed);
        self.subscribe_instant(now.saturating_add(duration))
    }
}

/// A sleep of the guest: at its end, the monotonic clock has advanced by the sleep.
struct Sleep {
    /// `None`: longer than the host's clock can represent.
    until: Option<Instant>,
    when: u64,
    shown: Arc<AtomicU64>,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Sleep {
    async fn ready(&mut self) {
        match self.until {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
        self.shown.fetch_max(self.when, Ordering::Relaxed);
    }
}

add_to_linker!(wall_clock, monotonic_clock);
