//! Validation: its cost, and when two commits conflict.

use super::*;
use crate::limits::{COMMIT_LOG_BYTES_MAX, READ_SET_BYTES_MAX};
use crate::names::{Generation, Key};
use crate::store::commit::logged_commit::{LoggedCommit, LoggedWrite, SEARCHES};
use crate::store::commit::read_set::ReadSet;

/// The number of searches that committing `transaction` took.
async fn cost(transaction: Transaction) -> (u64, bool) {
    let before = SEARCHES.with(std::cell::Cell::get);
    let committed = commit(transaction).await.is_ok();
    (SEARCHES.with(std::cell::Cell::get) - before, committed)
}

#[tokio::test]
async fn validation_costs_what_was_committed_since_and_not_what_the_store_holds() {
    let settings = StoreSettings { overlay_bytes_max: 256 << 20, ..QUIET };
    let (stores, cart) = on(&SimulatedDisk::new(1), &settings);
    put_many(&cart, (0..20_000).map(|key| format!("item/{key:06}"))).await;
    let scan_all = |transaction: &mut Transaction| {
        // The range is large and full, and none of its entries is in an index yet.
        scan("item/", None, Direction::Ascending, 1000)(transaction);
        scan("item/", Some("item/000900"), Direction::Ascending, 1000)(transaction);
        transaction.set("mine", "1").unwrap();
    };
    let mut alone = cart.begin();
    scan_all(&mut alone);
    assert_eq!(cost(alone).await, (0, true), "nothing was committed since");
    let mut transaction = cart.begin();
    scan_all(&mut transaction);
    for other in 0..10 {
        put(&cart, &format!("other/{other}"), "1").await;
    }
    let (searches, committed) = cost(transaction).await;
    assert!(committed && searches <= 10 * 4, "{searches}");
    let mut transaction = cart.begin();
    scan_all(&mut transaction);
    put(&cart, "item/000500x", "1").await;
    assert!(!cost(transaction).await.1, "a key in the range is a conflict");
    stores.close().unwrap();
}

#[tokio::test]
async fn thousands_of_scans_conflict_only_where_they_looked() {
    let (stores, cart) = on(&SimulatedDisk::new(1), &QUIET);
    put_many(&cart, (0..2_000).map(|key| format!("order/{key:06}/line"))).await;
    for (written, conflicts) in [("user/1", false), ("order/000100/more", true), ("a", false), ("order/001999/z", true)]
    {
        let mut transaction = cart.begin();
        for order in 0..2_000 {
            scan(&format!("order/{order:06}/"), None, Direction::Ascending, 10)(&mut transaction);
        }
        transaction.set("mine", "1").unwrap();
        put(&cart, written, "2").await;
        let result = commit(transaction).await;
        assert_eq!(matches!(result, Err(CommitError::Conflict { .. })), conflicts, "{written}: {result:?}");
    }
    stores.close().unwrap();
}

#[test]
fn a_read_set_is_bounded_covers_all_and_joins_only_neighbours() {
    let number = |key: &str| {
        LoggedCommit::new(
            CommitSeq(1),
            [LoggedWrite { key: Key::parse(Generation::First, key).unwrap(), bytes: 1 }].into(),
        )
    };
    let mut reads = ReadSet::new(CommitSeq(0));
    let keys = READ_SET_BYTES_MAX / 10;
    for key in 0..keys {
        reads.add_key(Key::parse(Generation::First, &format!("order/{key:07}")).unwrap());
        if key % 3 == 0 {
            reads.add_key(Key::parse(Generation::First, &format!("user/{key:07}")).unwrap());
        }
    }
    let reads = reads.finish();
    assert!(reads.parts() * 40 < READ_SET_BYTES_MAX, "{}", reads.parts());
    for key in (0..keys).step_by(997) {
        assert!(reads.is_changed_by(&number(&format!("order/{key:07}"))), "{key}");
    }
    for apart in ["a", "item/1", "order", "order/9999999x", "p", "user/9999999", "z"] {
        assert!(!reads.is_changed_by(&number(apart)), "{apart}");
    }
}

/// Calls that read the same range conflict by different keys, so a conflict says the range.
#[tokio::test]
async fn a_conflict_says_the_key_or_the_start_of_the_range_that_was_read() {
    let (stores, cart) = on(&SimulatedDisk::new(1), &QUIET);
    for (written, read) in
        [("item/1", "item/1"), ("line/1/7", "line/1/"), ("line/2/7", "line/2/"), ("item/2", "item/2")]
    {
        let mut transaction = cart.begin();
        for item in 0..5 {
            transaction.get(&format!("item/{item}")).unwrap();
            scan(&format!("line/{item}/"), None, Direction::Ascending, 10)(&mut transaction);
        }
        transaction.set("mine", "1").unwrap();
        put(&cart, written, "2").await;
        match commit(transaction).await {
            Err(CommitError::Conflict { read: Some(found) }) => assert_eq!(&*found, read),
            other => panic!("{written}: {other:?}"),
        }
    }
    stores.close().unwrap();
}

#[tokio::test]
async fn a_call_that_is_older_than_the_log_runs_again_and_one_that_is_not_is_compared() {
    let settings = StoreSettings { overlay_bytes_max: 256 << 20, segment_bytes: 64 << 20, ..QUIET };
    let (stores, cart) = on(&SimulatedDisk::new(1), &settings);
    let (mut old, mut recent) = (cart.begin(), None);
    old.set("old", "1").unwrap();
    let per_commit = 400 * (60 + 48);
    let commits = COMMIT_LOG_BYTES_MAX / per_commit + 3;
    for round in 0..commits {
        if round + 20 == commits {
            recent = Some(cart.begin());
        }
        put_many(&cart, (0..400).map(|key| format!("{round:06}/{key:053}"))).await;
    }
    assert!(matches!(commit(old).await, Err(CommitError::Conflict { .. })), "what came before the log is not known");
    let mut recent = recent.unwrap();
    recent.set("recent", "1").unwrap();
    commit(recent).await.expect("all commits since are in the log");
    stores.close().unwrap();
}
