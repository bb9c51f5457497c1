//! What happens in a seed, drawn step by step.

use std::time::Duration;

use super::host::End;
use super::operator::Order;
use switchyard::platform::simulated::Random;

/// What one request does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// `front` counts `number`, and has `back` count it: then it pauses, and fails while `front` is broken.
    Count { number: u64, pause_ms: u64, may_fail: bool },
    /// `source` notes `number` and emits it; `sink` notes it, fails while it is broken, and has `source` note it again.
    Emit { number: u64, pause_ms: u64 },
    /// Breaks `service`, or mends it.
    Break { service: &'static str, broken: bool },
}

impl Request {
    /// The service, the function and the script.
    pub(crate) fn script(&self) -> (&'static str, &'static str, String) {
        match self {
            Self::Count { number, pause_ms, may_fail } => {
                let fails = if *may_fail { "if broken 1{panic};" } else { "" };
                let script = format!("add a/{number};back.write{{add b/{number}}};sleep {pause_ms};{fails}say done");
                ("front", "act", script)
            }
            Self::Emit { number, pause_ms } => {
                let handler =
                    format!("sleep {pause_ms};tell{{append told {number}}};fail-if broken;append log {number}");
                ("source", "run", format!("append sent {number};emit k{{{handler}}}"))
            }
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
    /// Sets the time of day so many seconds forward or back.
    SetClock(i64),
    Checkpoint,
    Change(Order),
    ReplayDeadLetters,
    AbandonIntent,
}

/// Draws the next step; `number` is that of the next request.
pub(crate) fn step(random: &mut Random, number: u64) -> Step {
    match random.below(24) {
        0..7 => Step::Send(request(random, number)),
        7..12 => Step::Pass(Duration::from_millis(random.below(60))),
        12 => Step::Pass(Duration::from_secs(1 + random.below(60))),
        13 => Step::Pass(Duration::from_secs(60 * random.below(15))),
        14 => {
            let seconds = i64::try_from(random.below(7_200)).unwrap_or(0);
            Step::SetClock(if random.coin() { seconds } else { -seconds })
        }
        15 | 16 => Step::Checkpoint,
        17 | 20..24 => Step::Change(Order::draw(random)),
        18 => Step::ReplayDeadLetters,
        _ if random.below(4) == 0 => Step::AbandonIntent,
        _ => Step::Checkpoint,
    }
}

fn request(random: &mut Random, number: u64) -> Request {
    let pause_ms = if random.below(3) == 0 { random.below(200) } else { 0 };
    match random.below(10) {
        0..5 => Request::Count { number, pause_ms, may_fail: random.coin() },
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
