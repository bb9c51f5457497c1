//! Many threads move money between accounts that appear and vanish. Afterwards the committed calls run again one by one
//! in the order of their numbers. Each must read exactly the same as before.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::*;
use crate::journal::simulated::{Random, SimulatedDisk};

const THREADS: u64 = 8;
const TRANSFERS: u64 = 150;
const ACCOUNTS: u64 = 12;
const TOTAL: u64 = ACCOUNTS * 100;

/// The reads and writes of one committed call.
struct Transfer {
    gets: Vec<(String, Option<u64>)>,
    /// The prefix, and the entries that it found.
    scans: Vec<(String, Vec<(String, u64)>)>,
    sets: Vec<(String, Option<u64>)>,
}

fn amount(value: &[u8]) -> u64 {
    std::str::from_utf8(value).unwrap().parse().unwrap()
}

fn get(transaction: &mut Transaction, key: &str, transfer: &mut Transfer) -> u64 {
    let value = transaction.get(key).unwrap().map(|value| amount(&value));
    transfer.gets.push((key.into(), value));
    value.unwrap_or(0)
}

fn all(transaction: &mut Transaction, prefix: &str) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    loop {
        let after = found.last().map(|(key, _): &(String, u64)| key.clone());
        let page = scan(prefix, after.as_deref(), Direction::Ascending, 5)(transaction);
        found.extend(page.entries.iter().map(|entry| (entry.key.clone(), amount(&entry.value))));
        if !page.more {
            return found;
        }
    }
}

fn put(transaction: &mut Transaction, key: &str, value: u64, transfer: &mut Transfer) {
    // An account without money is deleted, so that ranges change by more than their values.
    if value == 0 {
        transaction.delete(key).unwrap();
    } else {
        transaction.set(key, value.to_string()).unwrap();
    }
    transfer.sets.push((key.into(), (value > 0).then_some(value)));
}

/// Moves some money from one account to another; every third time, from or to an account found by a scan.
fn transfer(transaction: &mut Transaction, random: &mut Random) -> Transfer {
    let mut done = Transfer { gets: Vec::new(), scans: Vec::new(), sets: Vec::new() };
    let account = |random: &mut Random| format!("account/{:02}", random.below(ACCOUNTS * 2));
    let (mut from, to) = (account(random), account(random));
    if random.below(3) == 0 {
        let found = all(transaction, "account/");
        assert_eq!(found.iter().map(|(_, amount)| amount).sum::<u64>(), TOTAL, "a snapshot has all the money");
        from = found[usize::try_from(random.next()).unwrap() % found.len()].0.clone();
        done.scans.push(("account/".into(), found));
    }
    if from == to {
        return done;
    }
    let (has, gets) = (get(transaction, &from, &mut done), get(transaction, &to, &mut done));
    let moved = if random.coin() { has } else { has.min(random.below(60)) };
    put(transaction, &from, has - moved, &mut done);
    put(transaction, &to, gets + moved, &mut done);
    done
}

fn replay(mut commits: Vec<(CommitSeq, Transfer)>, mut state: BTreeMap<String, u64>, seed: u64) {
    commits.sort_by_key(|(number, _)| *number);
    for (number, transfer) in commits {
        for (key, value) in transfer.gets {
            assert_eq!(state.get(&key).copied(), value, "{number:?} read {key}, seed {seed}");
        }
        for (prefix, found) in transfer.scans {
            let entries = state.iter().filter(|(key, _)| key.starts_with(&prefix));
            let entries: Vec<_> = entries.map(|(key, value)| (key.clone(), *value)).collect();
            assert_eq!(entries, found, "{number:?} scanned, seed {seed}");
        }
        for (key, value) in transfer.sets {
            match value {
                Some(value) => drop(state.insert(key, value)),
                None => drop(state.remove(&key)),
            }
        }
    }
    assert_eq!(state.values().sum::<u64>(), TOTAL);
}

#[test]
fn transfers_by_many_threads_are_as_if_one_ran_after_the_other() {
    for seed in 0..4 {
        // Small bounds: layers are applied, kept and dropped while calls run.
        let settings = StoreSettings { checkpoint_ms_max: 0, overlay_bytes_max: 8 * 1024, ..SETTINGS };
        let disk = SimulatedDisk::new(seed);
        let stores = Stores::open_on(&disk.as_disk(), &settings, &services(), None).unwrap();
        let cart = stores.service(&name("cart")).unwrap();
        let start: BTreeMap<_, _> = (0..ACCOUNTS).map(|account| (format!("account/{account:02}"), 100)).collect();
        let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut first = cart.begin();
        for (key, amount) in &start {
            first.set(key, amount.to_string()).unwrap();
        }
        runtime().block_on(commit(first)).unwrap();

        let commits = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (cart, commits) = (cart.clone(), &commits);
                let mut random = Random(seed << 32 | thread);
                scope.spawn(move || {
                    let runtime = runtime();
                    for _ in 0..TRANSFERS {
                        // After a conflict, it runs again with a copy of the random numbers.
                        let (number, done) = loop {
                            let mut again = random.clone();
                            let mut transaction = cart.begin();
                            let done = transfer(&mut transaction, &mut again);
                            std::thread::yield_now();
                            match runtime.block_on(commit(transaction)) {
                                Ok(number) => break (number, done),
                                Err(CommitError::Conflict { .. }) => {}
                                Err(error) => panic!("{error:?}"),
                            }
                        };
                        random.next();
                        if !done.sets.is_empty() {
                            commits.lock().unwrap().push((number, done));
                        }
                    }
                });
            }
        });
        assert_eq!(all(&mut cart.begin(), "").iter().map(|(_, amount)| amount).sum::<u64>(), TOTAL);
        let commits = commits.into_inner().unwrap();
        assert!(commits.len() as u64 > THREADS * TRANSFERS / 2);
        replay(commits, start, seed);
        stores.close().unwrap();
    }
}
