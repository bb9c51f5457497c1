//! Memos: the CPU time that a memo adds to a nested call.
//!
//! The benchmark calls the store directly, and writes the memo as a component's own entry of the same size. No host
//! leaves memos out. Such a write takes the same way through transaction, journal, overlay and index, and has more
//! checks.
//!
//! Rounds of commits with a memo and without alternate, each on a fresh store. The CPU time of the whole process is
//! measured: for the commits, for writing the index, and for deleting as many memos as were written.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;
use switchyard::config::{Flags, StoreSettings, load};
use switchyard::names::{CallId, CommitSeq, ServiceName};
use switchyard::store::{CommitDetails, Direction, Scan, Store, Stores, Transaction};
use switchyard::value::binary::put_text;

use crate::process::cpu_micros;

/// Commits of one round.
const COMMITS: u32 = 20_000;

/// Commits that become durable together, as with this many clients.
const CLIENTS: u32 = 64;

/// Entries that nested calls change.
const ENTRIES: u32 = 10_000;

/// Memos in the store before the first round, because a real store contains memos of some time.
const MEMOS_KEPT: u32 = 100_000;

/// Bytes of the stored answer, and of the value that the call writes.
const ANSWER_BYTES: usize = 100;
const VALUE_BYTES: usize = 100;

/// Memos that one commit deletes.
const SWEPT_AT_ONCE: u32 = 250;

/// Indexes are written only when a store is closed, so that the CPU time for this is measured separately.
const CHECKPOINT_MS: u64 = 3_600_000;

/// CPU time in microseconds per commit.
#[derive(Debug, Serialize)]
pub(crate) struct MemoReport {
    /// The number of commits of each kind.
    commits: u32,
    without_memo: Micros,
    with_memo: Micros,
    /// The total that a memo adds.
    memo_micros: f64,
    /// The same for the pair of rounds with the lowest difference, and with the highest.
    least_micros: f64,
    most_micros: f64,
}

/// The CPU time of one round, or the mean of some.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Micros {
    /// The transaction, its record in the journal, and its publication for later calls.
    commit: f64,
    index: f64,
    sweep: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Memos {
    Without,
    With,
}

/// A store in a folder, opened for each round.
struct Round<'a> {
    folder: &'a Path,
    settings: &'a StoreSettings,
    memos: Memos,
}

pub(crate) async fn measure(workspace: &Path, time: Duration) -> anyhow::Result<MemoReport> {
    let settings = load(&workspace.join("switchyard.toml"), &[], Flags::default())?.manifest.store;
    let settings = StoreSettings { checkpoint_ms_max: CHECKPOINT_MS, ..settings };
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let [without, with] = [Memos::Without, Memos::With].map(|memos| {
        let folder = folders[memos as usize].path();
        Round { folder, settings: &settings, memos }
    });
    eprintln!("preparing {MEMOS_KEPT} memos");
    let mut next = MEMOS_KEPT;
    without.run(0..ENTRIES).await?;
    with.fill().await?;
    eprintln!("measuring: commits with a memo and without");
    let (mut rounds, begin) = (Vec::new(), Instant::now());
    while rounds.len() < 2 || begin.elapsed() < time {
        let calls = next..next + COMMITS;
        next = calls.end;
        // The second of a pair may find the machine in another state, so each kind is second half of the time.
        rounds.push(match rounds.len() % 2 {
            0 => [without.run(calls.clone()).await?, with.run(calls).await?],
            _ => {
                let second = with.run(calls.clone()).await?;
                [without.run(calls).await?, second]
            }
        });
    }
    Ok(MemoReport::new(&rounds))
}

impl Round<'_> {
    fn open(&self) -> anyhow::Result<(Stores, Store)> {
        let name = ServiceName::parse("back")?;
        let stores = Stores::open(self.folder, self.settings, &[(name.clone(), u64::MAX)])?;
        let store = stores.service(&name).context("it was just opened")?;
        Ok((stores, store))
    }

    /// Writes the memos that exist from earlier.
    async fn fill(&self) -> anyhow::Result<()> {
        let (stores, store) = self.open()?;
        make(&stores, &store, 0..MEMOS_KEPT, Memos::With).await?;
        drop(store);
        Ok(stores.close()?)
    }

    /// Makes `calls`; returns the CPU time of each.
    async fn run(&self, calls: Range<u32>) -> anyhow::Result<Micros> {
        let count = calls.len() as u32;
        let each = |from: u64, to: u64| (to - from) as f64 / f64::from(count);
        let (stores, store) = self.open()?;
        let begun = cpu_micros("self")?;
        make(&stores, &store, calls, self.memos).await?;
        let committed = cpu_micros("self")?;
        drop(store);
        stores.close()?;
        let written = cpu_micros("self")?;
        let micros = Micros { commit: each(begun, committed), index: each(committed, written), sweep: 0.0 };
        if self.memos == Memos::Without {
            return Ok(micros);
        }
        let (stores, store) = self.open()?;
        let begun = cpu_micros("self")?;
        sweep(&stores, &store, count).await?;
        drop(store);
        stores.close()?;
        Ok(Micros { sweep: each(begun, cpu_micros("self")?), ..micros })
    }
}

/// Makes nested calls and waits until they are durable, many of them at once.
async fn make(stores: &Stores, store: &Store, calls: Range<u32>, memos: Memos) -> anyhow::Result<()> {
    let mut last = CommitSeq::default();
    for call in calls {
        let details = CommitDetails { call: call_id(call), data_version: None };
        last = nested_call(store, call, memos)?.commit(details).await?;
        if call % CLIENTS == 0 {
            stores.wait_durable(last).await?;
        }
    }
    Ok(stores.wait_durable(last).await?)
}

/// The reads and writes of a nested call.
fn nested_call(store: &Store, call: u32, memos: Memos) -> anyhow::Result<Transaction> {
    let mut transaction = store.begin();
    let entry = format!("entry/{:08}", call % ENTRIES);
    transaction.get(&entry)?;
    transaction.set(&entry, vec![b'v'; VALUE_BYTES])?;
    if memos == Memos::With {
        // A memo's key: the second in which its root call began, and the id of the call.
        let key = format!("m{:010x}{}", call / 5_000, call_id(call));
        let mut answer = Vec::with_capacity(256);
        answer.push(1);
        put_text(&"a".repeat(ANSWER_BYTES), &mut answer);
        transaction.set(&key, answer)?;
    }
    Ok(transaction)
}

/// Deletes the `count` oldest memos, many at once, like the host.
async fn sweep(stores: &Stores, store: &Store, count: u32) -> anyhow::Result<()> {
    let (mut after, mut last) = (None::<String>, CommitSeq::default());
    for page in 0..count / SWEPT_AT_ONCE {
        let mut transaction = store.begin();
        let (direction, limit) = (Direction::Ascending, SWEPT_AT_ONCE);
        let memos = transaction.scan(&Scan { prefix: "m", after: after.as_deref(), direction, limit })?.entries;
        for memo in &memos {
            transaction.delete(&memo.key)?;
        }
        after = memos.into_iter().last().map(|memo| memo.key);
        last = transaction.commit(CommitDetails { call: call_id(page), data_version: None }).await?;
    }
    Ok(stores.wait_durable(last).await?)
}

/// Ids like hashes: unsorted and unique.
fn call_id(number: u32) -> CallId {
    CallId(u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes())
}

impl Micros {
    fn all(self) -> f64 {
        self.commit + self.index + self.sweep
    }

    fn mean(rounds: impl ExactSizeIterator<Item = Self>) -> Self {
        let count = rounds.len() as f64;
        rounds.fold(Self::default(), |sum, round| Self {
            commit: sum.commit + round.commit / count,
            index: sum.index + round.index / count,
            sweep: sum.sweep + round.sweep / count,
        })
    }
}

impl MemoReport {
    /// From pairs of rounds, each beginning with the one without memos.
    fn new(rounds: &[[Micros; 2]]) -> Self {
        let [without_memo, with_memo] = [0, 1].map(|side| Micros::mean(rounds.iter().map(|round| round[side])));
        let added = || rounds.iter().map(|[without, with]| with.all() - without.all());
        Self {
            commits: rounds.len() as u32 * COMMITS,
            without_memo,
            with_memo,
            memo_micros: with_memo.all() - without_memo.all(),
            least_micros: added().fold(f64::INFINITY, f64::min),
            most_micros: added().fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

impl fmt::Display for MemoReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { commits, without_memo, with_memo, .. } = self;
        writeln!(f, "CPU time of a nested call's commit, of {commits} with a memo and as many without (µs)")?;
        writeln!(f, "{:<34} {:>8} {:>8} {:>8}", "", "without", "with", "added")?;
        for (name, part) in [
            ("its commit", (|micros| micros.commit) as fn(&Micros) -> f64),
            ("writing the index", |micros| micros.index),
            ("taking the memo away", |micros| micros.sweep),
            ("all", |micros| micros.all()),
        ] {
            let (without, with) = (part(without_memo), part(with_memo));
            writeln!(f, "{name:<34} {without:>8.2} {with:>8.2} {:>8.2}", with - without)?;
        }
        let Self { memo_micros, least_micros, most_micros, .. } = self;
        writeln!(
            f,
            "A memo adds {memo_micros:.2} µs; of single pairs of rounds, {least_micros:.2} to {most_micros:.2} µs"
        )
    }
}
