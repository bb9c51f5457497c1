//! The reads and writes of one transaction, and when two of them conflict.

use super::*;
use crate::store::{Event, Health, StoreError};

#[tokio::test]
async fn a_commit_is_seen_by_later_calls_and_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let stores = open(data.path());
    let cart = stores.service(&name("cart")).unwrap();
    let before = cart.begin();
    let number = put(&cart, "a", "1").await;
    assert_eq!(number, CommitSeq(1));
    assert_eq!(now(&cart, "a"), Some("1".into()));
    assert_eq!(text(&mut { before }, "a"), None, "a snapshot stays as it was");
    assert_eq!(now(&stores.service(&name("stock")).unwrap(), "a"), None, "a service sees only its own store");
    stores.wait_durable(number).await.unwrap();
    stores.close().unwrap();

    let stores = open(data.path());
    let cart = stores.service(&name("cart")).unwrap();
    assert_eq!(now(&cart, "a"), Some("1".into()));
    assert_eq!(put(&cart, "a", "2").await, CommitSeq(2), "numbers go on without a gap");
    assert_eq!(cart.bytes(), 2);
    assert_eq!(stores.health(), Health::Running);
}

#[tokio::test]
async fn who_read_what_another_changed_conflicts() {
    struct Case {
        name: &'static str,
        read: fn(&mut Transaction),
        write: &'static str,
        conflicts: bool,
    }
    let ascending = |transaction: &mut Transaction| drop(scan("k", None, Direction::Ascending, 2)(transaction));
    let cases = [
        Case { name: "the key it read", read: |t| drop(t.get("k1")), write: "k1", conflicts: true },
        Case { name: "a key it did not find", read: |t| drop(t.get("new")), write: "new", conflicts: true },
        Case { name: "another key", read: |t| drop(t.get("k1")), write: "k2", conflicts: false },
        Case { name: "nothing it read", read: |_| (), write: "k1", conflicts: false },
        Case { name: "an entry of its page", read: ascending, write: "k2", conflicts: true },
        Case { name: "a phantom in its page", read: ascending, write: "k11", conflicts: true },
        Case { name: "the entry behind its page, which it knows of", read: ascending, write: "k3", conflicts: true },
        Case { name: "what lies behind that", read: ascending, write: "k4", conflicts: false },
        Case { name: "what lies before the prefix", read: ascending, write: "j", conflicts: false },
        Case {
            name: "a phantom at the end of a scan to the end",
            read: |t| drop(scan("k", Some("k2"), Direction::Ascending, 10)(t)),
            write: "k9",
            conflicts: true,
        },
        Case {
            name: "what lies before its page",
            read: |t| drop(scan("k", Some("k2"), Direction::Ascending, 10)(t)),
            write: "k11",
            conflicts: false,
        },
        Case {
            name: "a phantom in a page from the end",
            read: |t| drop(scan("k", None, Direction::Descending, 2)(t)),
            write: "k9",
            conflicts: true,
        },
        Case {
            name: "what a page from the end did not reach",
            read: |t| drop(scan("k", None, Direction::Descending, 2)(t)),
            write: "k1",
            conflicts: false,
        },
    ];
    for Case { name: case, read, write, conflicts } in cases {
        let data = tempfile::tempdir().unwrap();
        let stores = open(data.path());
        let cart = stores.service(&name("cart")).unwrap();
        for key in ["k1", "k2", "k3", "k4"] {
            put(&cart, key, "0").await;
        }
        let mut transaction = cart.begin();
        read(&mut transaction);
        transaction.set("mine", "1").unwrap();
        put(&cart, write, "1").await;
        let result = commit(transaction).await;
        assert_eq!(matches!(result, Err(CommitError::Conflict { .. })), conflicts, "{case}: {result:?}");
        assert_eq!(now(&cart, "mine").is_some(), !conflicts, "{case}");
        stores.close().unwrap();
    }
}

#[tokio::test]
async fn a_read_only_transaction_cannot_write() {
    let data = tempfile::tempdir().unwrap();
    let stores = open(data.path());
    let cart = stores.service(&name("cart")).unwrap();
    let mut transaction = cart.begin_read();
    assert!(matches!(transaction.set("a", "1"), Err(StoreError::ReadOnly)));
    assert!(matches!(transaction.delete("a"), Err(StoreError::ReadOnly)));
    let event = Event { interface: "i".into(), function: "f".into(), payload: "{}".into() };
    assert!(matches!(transaction.emit(event), Err(StoreError::ReadOnly)));
    assert_eq!(commit(transaction).await.unwrap(), CommitSeq(0));
}
