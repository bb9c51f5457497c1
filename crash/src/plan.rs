//! The plan of a round: the actions of all clients and the deaths of the host, all drawn from the seed.

use switchyard::fail_point;

/// Customers, each with its own script in every round.
pub(crate) const CUSTOMERS: usize = 12;
const STAFF: usize = 4;
const SHOPPERS: usize = 6;

const BUYS: usize = 4;
const TASKS: usize = 8;
const SWAPS: usize = 5;
const TOUCHES: usize = 40;

/// The goods: the last one is scarce.
pub(crate) const GOODS: [&str; 3] = ["tea-01", "mug-01", "rare-01"];

/// The services of the shop.
pub(crate) const SERVICES: [&str; 5] = ["account", "inventory", "cart", "payment", "shipping"];

/// Builds of each component that differ only in their digests.
pub(crate) const VARIANTS: usize = 3;

/// The registers of a round: lines of carts, and the price of an item.
pub(crate) const REGISTERS: usize = 3;

/// Numbers that depend only on a seed: SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `end - 1`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or(0)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn list<T>(&mut self, length: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..length).map(|_| make(self)).collect()
    }
}

/// All actions in a round, in which the host dies twice.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Round {
    pub(crate) instant: Instant,
    pub(crate) point: Point,
    pub(crate) people: People,
}

/// The actions of all clients.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct People {
    pub(crate) customers: Vec<Vec<Errand>>,
    pub(crate) staff: Vec<Vec<Task>>,
    pub(crate) swaps: Vec<Swap>,
    pub(crate) touches: Vec<Vec<Touch>>,
}

/// A moment to die at: this many microseconds after this many answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instant {
    pub(crate) answers: usize,
    pub(crate) micros: u64,
}

/// A fail point to die at, when it is reached for the `time`-th time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) name: &'static str,
    pub(crate) time: usize,
}

/// An action of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Errand {
    Buy {
        lines: Vec<(&'static str, u32)>,
        /// The processor declines the card.
        declined: bool,
    },
    /// Cancels one of its orders.
    Cancel { which: usize },
    /// A new customer signs up.
    SignUp,
}

/// An action of staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    Receive {
        sku: &'static str,
        quantity: u32,
    },
    /// Refunds a part of the payment of one of all orders.
    Refund {
        which: usize,
        cents: i64,
    },
    /// Records an event of the shipment of one of all orders.
    Record {
        which: usize,
        status: &'static str,
    },
}

/// An action of the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Swap {
    Deploy {
        service: &'static str,
        variant: usize,
    },
    RollBack {
        service: &'static str,
    },
    /// Deploys two services as one change.
    Set {
        services: [&'static str; 2],
        variant: usize,
    },
    /// Moves a service to its alternative implementation. A rollback then moves it back, and forth.
    HandOver {
        service: &'static str,
    },
    /// Ends a handover: the service keeps its own implementation.
    Settle {
        service: &'static str,
    },
}

/// One access to a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Touch {
    /// Writes the next value; with a key, it is repeated until it is answered.
    Write {
        register: usize,
        with_key: bool,
    },
    /// Empties it, if it can be empty.
    Clear {
        register: usize,
        with_key: bool,
    },
    Read {
        register: usize,
    },
}

impl Round {
    /// The plan of the round `number`, counted from 0.
    pub(crate) fn new(seed: u64, number: usize) -> Self {
        let mut numbers = Numbers::new(seed.wrapping_add((number as u64).wrapping_mul(0xD134_2543_DE82_EF95)));
        let customers = numbers.list(CUSTOMERS, errands);
        let staff = numbers.list(STAFF, |numbers| numbers.list(TASKS, task));
        let mut swaps = numbers.list(SWAPS, swap);
        let touches = numbers.list(SHOPPERS, |numbers| numbers.list(TOUCHES, touch));
        let answers = numbers.below(200);
        let instant = Instant { answers, micros: numbers.below(5_000) as u64 };
        // Each point in turn, starting at one drawn from the seed.
        let first = Numbers::new(seed).below(fail_point::NAMES.len());
        let name = fail_point::NAMES.into_iter().cycle().nth(first + number).unwrap_or_default();
        let point = Point { name, time: 1 + numbers.below(times_max(name)) };
        if name.starts_with("mirror.") || name == "release.after-hold" {
            let service = SERVICES.into_iter().cycle().nth(numbers.below(SERVICES.len())).unwrap_or_default();
            drop(swaps.splice(..3, [Swap::HandOver { service }, Swap::RollBack { service }, Swap::Settle { service }]));
        }
        Self { instant, point, people: People { customers, staff, swaps, touches } }
    }

    /// Moves the second death to a write of the journal, which every load reaches soon.
    pub(crate) fn die_before_a_write(&mut self) {
        let times = times_max(BEFORE_A_WRITE);
        self.point = Point { name: BEFORE_A_WRITE, time: 1 + self.point.time % times };
    }
}

const BEFORE_A_WRITE: &str = "journal.before-write";

/// The number of times that most loads reach a point in half a round, at least.
fn times_max(name: &str) -> usize {
    match name.split_once('.') {
        Some(("journal", "before-segment" | "mid-segment") | ("segment" | "component" | "mirror", _)) => 1,
        Some(("release", "after-hold")) => 1,
        Some(("index", "before-pass")) => 2,
        Some(("ledger" | "release", _)) => 3,
        Some(("index", _)) => 8,
        Some(("journal", _)) => 30,
        _ => 10,
    }
}

fn errands(numbers: &mut Numbers) -> Vec<Errand> {
    let mut errands = Vec::new();
    for _ in 0..BUYS {
        let count = 1 + numbers.below(2);
        let first = numbers.below(GOODS.len());
        let goods = GOODS.into_iter().cycle().skip(first).take(count);
        let lines = goods.map(|sku| (sku, numbers.quantity())).collect();
        errands.push(Errand::Buy { lines, declined: numbers.one_in(8) });
        if numbers.one_in(3) {
            errands.push(Errand::Cancel { which: numbers.below(1 << 20) });
        }
    }
    if numbers.one_in(3) {
        errands.push(Errand::SignUp);
    }
    errands
}

fn task(numbers: &mut Numbers) -> Task {
    let which = numbers.below(1 << 20);
    match numbers.below(3) {
        0 => {
            let sku = GOODS.into_iter().cycle().nth(which).unwrap_or_default();
            Task::Receive { sku, quantity: numbers.quantity() }
        }
        1 => Task::Refund { which, cents: i64::from(numbers.quantity()) * 100 },
        _ => {
            let all = ["packed", "shipped", "delivered", "lost"];
            Task::Record { which, status: all.into_iter().cycle().nth(numbers.below(4)).unwrap_or_default() }
        }
    }
}

fn swap(numbers: &mut Numbers) -> Swap {
    let first = numbers.below(SERVICES.len());
    let nth = |index: usize| SERVICES.into_iter().cycle().nth(index).unwrap_or_default();
    let (service, variant) = (nth(first), numbers.below(VARIANTS));
    match numbers.below(8) {
        0 | 1 => Swap::RollBack { service },
        6 => Swap::HandOver { service },
        7 => Swap::Settle { service },
        2 => Swap::Set { services: [service, nth(first + 1 + numbers.below(SERVICES.len() - 1))], variant },
        _ => Swap::Deploy { service, variant },
    }
}

fn touch(numbers: &mut Numbers) -> Touch {
    let (register, with_key) = (numbers.below(REGISTERS), numbers.one_in(2));
    match numbers.below(8) {
        0..3 => Touch::Write { register, with_key },
        3 => Touch::Clear { register, with_key },
        _ => Touch::Read { register },
    }
}

impl Numbers {
    /// A quantity that somebody buys.
    fn quantity(&mut self) -> u32 {
        1 + u32::try_from(self.below(3)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn a_seed_repeats_its_plan_and_another_has_another() {
        assert_eq!(Round::new(7, 3), Round::new(7, 3));
        assert_ne!(Round::new(7, 3), Round::new(8, 3));
        assert_ne!(Round::new(7, 3), Round::new(7, 4));
    }

    #[test]
    fn as_many_rounds_as_there_are_points_arm_each_of_them() {
        let mut armed: Vec<_> = (0..fail_point::NAMES.len()).map(|number| Round::new(9, number).point.name).collect();
        let mut names = fail_point::NAMES.to_vec();
        armed.sort_unstable();
        names.sort_unstable();
        assert_eq!(armed, names);
    }

    /// All sources of `folder` and below, concatenated.
    fn sources(folder: &Path) -> String {
        let entries = std::fs::read_dir(folder).expect("a folder of sources");
        let paths = entries.map(|entry| entry.expect("an entry of the folder").path());
        // Some points are named in their own module and in tests.
        let names_points = |path: &PathBuf| ["fail_point", "tests", "tests.rs"].iter().any(|name| path.ends_with(name));
        let paths = paths.filter(|path| !names_points(path));
        let text = |path: &Path| std::fs::read_to_string(path).expect("a source");
        paths.map(|path| if path.is_dir() { sources(&path) } else { text(&path) }).collect()
    }

    #[test]
    fn every_point_is_at_one_place_of_the_host() {
        let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src"));
        for name in fail_point::NAMES {
            let count = |call: &str| sources.matches(&format!("{call}(\"{name}\"")).count();
            assert_eq!(count("fail_point") + count("fail_point_after"), 1, "{name}");
        }
    }
}
