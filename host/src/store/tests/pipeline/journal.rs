//! What the journal holds: its time, large commits, and damage at its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::store::HostCommit;

#[tokio::test]
async fn the_journal_s_time_grows_with_every_commit_whatever_the_clock_does() {
    let disk = SimulatedDisk::new(1);
    let mut last = 0;
    for start in 0..3 {
        let (stores, cart) = on(&disk, &QUIET);
        assert!(stores.time_unix_micros() >= last, "start {start}");
        for _ in 0..20 {
            put(&cart, "a", "1").await;
            let time = cart.snapshot().totals.time_unix_micros;
            assert!(time > last && stores.time_unix_micros() >= time);
            last = time;
        }
        stores.close().unwrap();
    }
    // When a clock is set back by an hour, the journal's time advances only by a microsecond per commit.
    let (stores, cart) = on(&disk, &QUIET);
    let ahead = last + 3_600_000_000;
    stores.inner.services.pipeline.set_time_unix_micros(ahead);
    let mut commit = HostCommit::default();
    for store in [&cart, &stores.service(&name("stock")).unwrap()] {
        let mut transaction = store.begin();
        transaction.set("a", "2").unwrap();
        commit.add(transaction, None);
    }
    commit.commit(CallId([0; 16])).await.unwrap();
    assert_eq!(cart.snapshot().totals.time_unix_micros, ahead + 1);
    put(&cart, "a", "3").await;
    assert_eq!(cart.snapshot().totals.time_unix_micros, ahead + 2);
    let killed = disk.after_kill();
    stores.close().unwrap();
    for disk in [disk, killed] {
        let (stores, _) = on(&disk, &QUIET);
        assert!(stores.time_unix_micros() >= last);
        stores.close().unwrap();
    }
}

#[tokio::test]
async fn a_large_commit_goes_in_pieces_and_small_ones_do_not_wait_for_all_of_it() {
    let disk = SimulatedDisk::new(1);
    let (stores, cart) = on(&disk, &QUIET);
    let stock = stores.service(&name("stock")).unwrap();
    let mut large = cart.begin();
    for key in 0..6 {
        large.set(&format!("large-{key}"), vec![b'x'; 1 << 20]).unwrap();
    }
    let pieces = Arc::new(AtomicUsize::new(0));
    let small = async {
        let mut done = 0;
        for key in 0..10 {
            let number = put(&stock, &format!("small-{key}"), "1").await;
            stores.wait_durable(number).await.unwrap();
            done += usize::from(number.0 == key + 1);
        }
        pieces.store(done, Ordering::Relaxed);
    };
    let (number, ()) = tokio::join!(commit(large), small);
    stores.wait_durable(number.unwrap()).await.unwrap();
    assert_eq!(pieces.load(Ordering::Relaxed), 10, "each small commit came before the large one");
    let killed = disk.after_kill();
    stores.close().unwrap();
    for disk in [killed, disk] {
        let (stores, cart) = on(&disk, &QUIET);
        assert_eq!(cart.bytes(), 6 * ((1 << 20) + 7));
        assert_eq!(now(&stores.service(&name("stock")).unwrap(), "small-9"), Some("1".into()));
        stores.close().unwrap();
    }
}

#[tokio::test]
async fn large_commits_survive_the_end_of_a_segment_in_their_midst() {
    let settings = StoreSettings { segment_bytes: 3 << 20, ..SETTINGS };
    let disk = SimulatedDisk::new(1);
    let (stores, cart) = on(&disk, &settings);
    for round in 0..7_u8 {
        let mut transaction = cart.begin();
        transaction.set("a", vec![round; 700_000]).unwrap();
        transaction.set("b", vec![round; 700_000]).unwrap();
        let number = commit(transaction).await.unwrap();
        stores.wait_durable(number).await.unwrap();
        put(&cart, "small", &round.to_string()).await;
        let killed = disk.after_kill();
        let (again, cart) = on(&killed, &settings);
        assert_eq!(cart.begin().get("b").unwrap().unwrap(), vec![round; 700_000]);
        again.close().unwrap();
    }
    stores.close().unwrap();
}

#[tokio::test]
async fn damage_in_the_last_batch_of_a_journal_that_was_closed_is_damage() {
    for (cut, damaged) in [(true, false), (false, true)] {
        let disk = SimulatedDisk::new(1);
        let (stores, cart) = on(&disk, &QUIET);
        let number = put(&cart, "a", "1").await;
        stores.wait_durable(number).await.unwrap();
        let killed = disk.after_kill();
        stores.close().unwrap();
        let disk = if cut { killed } else { disk };
        if !cut {
            // Without the empty segment behind it, the start reads this one.
            disk.as_disk().remove("journal/00000000000000000002.segment").unwrap();
        }
        // The damage destroys the commit in the journal. A killed host's index lacks the commit, a closed host's index
        // contains it.
        disk.damage(FIRST_SEGMENT, |bytes| bytes[110] ^= 1);
        let opened = Stores::open_on(&disk.as_disk(), &QUIET, &services(), None);
        assert_eq!(matches!(opened, Err(crate::store::OpenError::Journal(_))), damaged, "{opened:?}");
    }
}

#[tokio::test]
async fn damage_behind_a_quiet_moment_is_damage_and_not_a_torn_end() {
    let disk = SimulatedDisk::new(1);
    let (stores, cart) = on(&disk, &QUIET);
    stores.wait_durable(put(&cart, "a", "1").await).await.unwrap();
    let written = disk.written_bytes(FIRST_SEGMENT);
    let give_up = crate::clock::now() + Duration::from_secs(20);
    while disk.written_bytes(FIRST_SEGMENT) == written {
        assert!(crate::clock::now() < give_up, "no mark was written");
        std::thread::yield_now();
    }
    let killed = disk.after_kill();
    killed.damage(FIRST_SEGMENT, |bytes| bytes[110] ^= 1);
    let opened = Stores::open_on(&killed.as_disk(), &QUIET, &services(), None);
    assert!(matches!(opened, Err(crate::store::OpenError::Journal(_))), "{opened:?}");
    stores.close().unwrap();
}
