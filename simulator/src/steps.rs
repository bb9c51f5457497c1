//! The steps of a seed, drawn one by one.

use std::time::Duration;

use super::host::End;
use super::order::Order;
use super::world::CLOCK;
use switchyard::fail_point::of_calls;
use switchyard::platform::simulated::Random;

/// The behaviour of a broken guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GuestFault {
    None,
    Trap,
    /// It sleeps for longer than its deadline.
    Hang,
}

/// The effect of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// `front` counts `number`, and calls `back` to count it; then it pauses, and fails while `front` is broken. If
    /// `back` fails, `front` continues and says so in its answer.
    Count { number: u64, pause_ms: u64, fault: GuestFault },
    /// `source` records `number` and emits it; `sink` records it, fails while it is broken, and calls `source` to
    /// record it again.
    Emit { number: u64, pause_ms: u64 },
    /// `clock` records `number`.
    Log { number: u64 },
    /// `clock` records its time from now on, whenever it is due.
    Tick,
    /// Breaks `service`, or repairs it.
    Break { service: &'static str, broken: bool },
}

impl Request {
    /// The service, the function and the script.
    pub(crate) fn script(&self) -> (&'static str, &'static str, String) {
        match self {
            Self::Count { number, pause_ms, fault } => {
                let fails = match fault {
                    GuestFault::None => "",
                    GuestFault::Trap => "if broken 1{panic};",
                    GuestFault::Hang => "if broken 1{sleep 60000};",
                };
                let script = format!("add a/{number};back.write{{add b/{number}}};sleep {pause_ms};{fails}say done");
                ("front", "act", script)
            }
            Self::Emit { number, pause_ms } => {
                let handler =
                    format!("sleep {pause_ms};tell{{append told {number}}};fail-if broken;append log {number}");
                ("source", "run", format!("append sent {number};emit k{{{handler}}}"))
            }
            Self::Log { number } => (CLOCK, "run", format!("append log {number}")),
            Self::Tick => (CLOCK, "run", "set tick{stamp ticks}".to_owned()),
            Self::Break { service, broken } => {
                let function = if *service == "front" { "act" } else { "run" };
                let script = if *broken { "set broken 1" } else { "delete broken" };
                (service, function, script.to_owned())
            }
        }
    }
}

/// One step of a life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Send(Request),
    Pass(Duration),
    /// Moves the time of day by this many seconds, forward or back.
    SetClock(i64),
    /// The time of day stands still while this much time passes.
    Stall(Duration),
    /// The host panics when it reaches this point for this many times.
    Panic(&'static str, u64),
    Checkpoint,
    Change(Order),
    ReplayDeadLetters,
    AbandonIntent,
    BackUp,
    /// Remembers this instant: a restore may go to it.
    Remember,
}

/// Draws the next step; `number` is the number of the next request.
pub(crate) fn step(random: &mut Random, number: u64) -> Step {
    match random.below(29) {
        0..7 => Step::Send(request(random, number)),
        7..12 => Step::Pass(Duration::from_millis(random.below(60))),
        12 => Step::Pass(Duration::from_secs(1 + random.below(60))),
        13 => Step::Pass(Duration::from_secs(60 * random.below(15))),
        14 => {
            let seconds = i64::try_from(random.below(7_200)).unwrap_or(0);
            Step::SetClock(if random.coin() { seconds } else { -seconds })
        }
        15 => Step::Checkpoint,
        16 => Step::Stall(Duration::from_millis(random.below(30_000))),
        24 | 25 => Step::Panic(panics(random), 1 + random.below(3)),
        17 | 20..24 => Step::Change(Order::draw(random)),
        18 => Step::ReplayDeadLetters,
        26 => Step::BackUp,
        27 | 28 => Step::Remember,
        _ if random.below(4) == 0 => Step::AbandonIntent,
        _ => Step::Checkpoint,
    }
}

/// The points where the host may panic in a call, which then fails as after a trap.
fn panics(random: &mut Random) -> &'static str {
    let points: Vec<_> = of_calls().collect();
    let which = usize::try_from(random.below(points.len() as u64)).unwrap_or(0);
    points.get(which).copied().unwrap_or("memo.after-commit")
}

fn request(random: &mut Random, number: u64) -> Request {
    let pause_ms = if random.below(3) == 0 { random.below(200) } else { 0 };
    match random.below(13) {
        10 | 11 => Request::Log { number },
        12 => Request::Tick,
        0..5 => {
            let fault = match random.below(4) {
                0 | 1 => GuestFault::None,
                2 => GuestFault::Trap,
                _ => GuestFault::Hang,
            };
            Request::Count { number, pause_ms, fault }
        }
        5..8 => Request::Emit { number, pause_ms },
        which => Request::Break { service: if random.coin() { "front" } else { "sink" }, broken: which == 8 },
    }
}

pub(crate) fn end(random: &mut Random) -> End {
    match random.below(4) {
        0 => End::Stop,
        1 => End::Kill,
        _ => End::PowerLoss,
    }
}
