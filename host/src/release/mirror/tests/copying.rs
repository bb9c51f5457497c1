//! A mirror copies and reads no more than it must, and a call is repeated only on a copy of what the call read.

use super::*;
use crate::release::mirror::pages::Pages;
use crate::store::system::INTENTS;

#[tokio::test]
async fn a_mirror_that_has_nothing_to_do_commits_nothing_and_a_later_one_copies_only_what_is_new() {
    let host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(300)).await;
    let mut mirror = host.mirror(Fault::None, Fault::None);
    complete(&mut mirror).await.unwrap();
    assert_eq!(mirror.imported(), 300);
    let number = host.store().last_commit();
    complete(&mut mirror).await.unwrap();
    assert_eq!(host.store().last_commit(), number);
    host.store().wait_durable(number).await.unwrap();
    let host = Host::open(host.disk.after_kill());
    host.write(&[("0001".into(), Some("new".into()))]).await;
    let mut mirror = host.mirror(Fault::None, Fault::None);
    complete(&mut mirror).await.unwrap();
    assert_eq!((mirror.imported(), host.copy().len()), (1, 300));
    assert_eq!(host.copy()["0001"], "new");
}

#[tokio::test]
async fn a_mirror_that_turns_around_reads_only_what_has_changed() {
    let mut host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(300)).await;
    let mut mirror = host.mirror(Fault::None, Fault::None);
    complete(&mut mirror).await.unwrap();
    // Its source now is one that no export works with: what is read, fails.
    let mut mirror = host.turn(&mut mirror);
    mirror.source = Arc::new(Layout { prefix: prefix(host.live), fault: Fault::Descends });
    assert!(mirror.is_following());
    mirror.finish(clock::now() + Duration::from_secs(10)).await.unwrap();
    host.write(&[("0100".into(), None)]).await;
    mirror.finish(clock::now() + Duration::from_secs(10)).await.unwrap_err();
    mirror.source = Arc::new(Layout { prefix: prefix(host.live), fault: Fault::None });
    mirror.finish(clock::now() + Duration::from_secs(10)).await.unwrap();
    assert_eq!((mirror.imported(), host.copy().len()), (1, 299));
    // The way back is known as well, but for the pages that the import has changed; they are read when there is time.
    mirror.refresh_back(usize::MAX).await.unwrap();
    let mut mirror = host.turn(&mut mirror);
    mirror.source = Arc::new(Layout { prefix: prefix(host.live), fault: Fault::Descends });
    mirror.finish(clock::now() + Duration::from_secs(10)).await.unwrap();
}

#[tokio::test]
async fn a_mirror_does_not_take_what_calls_write_after_the_swap_for_its_own_imports() {
    let mut host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(300)).await;
    let mut mirror = host.mirror(Fault::None, Fault::None);
    complete(&mut mirror).await.unwrap();
    let deadline = || clock::now() + Duration::from_secs(10);
    mirror.finish(deadline()).await.unwrap().for_good();
    // The copy is live. Calls write before the mirror is turned around, while its task still runs.
    host.live = host.live.other();
    host.write(&[("0100".into(), None), ("0200".into(), Some("new".into()))]).await;
    assert_eq!(mirror.follow(64).await.unwrap(), 0);
    mirror.refresh_back(usize::MAX).await.unwrap();
    let mut turned = mirror.turn();
    turned.finish(deadline()).await.unwrap().for_good();
    assert_eq!((turned.imported(), host.copy()), (2, host.data(host.live)));

    // After a swap that failed, it goes on.
    let mut mirror = turned.turn();
    host.live = host.live.other();
    drop(mirror.finish(deadline()).await.unwrap());
    host.write(&[("0001".into(), None)]).await;
    assert_eq!(mirror.follow(64).await.unwrap(), 0);
    assert_eq!(host.copy(), host.data(host.live));
}

#[tokio::test]
async fn a_mirror_that_is_not_complete_turns_into_one_that_reads_everything() {
    let mut host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(300)).await;
    let mut mirror = host.mirror(Fault::None, Fault::None);
    while !mirror.copy_next().await.unwrap() {}
    let mut turned = host.turn(&mut mirror);
    assert!(!turned.is_following());
    let error = turned.finish(clock::now() + Duration::from_secs(10)).await.unwrap_err();
    assert_eq!(error.to_string(), "the copy has not reached the live data yet: 0 of about 300 entities are read");
    complete(&mut turned).await.unwrap();
    assert_eq!((turned.imported(), host.copy().len()), (0, 300));
}

#[tokio::test]
async fn what_is_too_large_for_one_import_is_copied_in_smaller_parts() {
    let host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(200)).await;
    let mut mirror = host.mirror(Fault::None, Fault::TakesThree);
    complete(&mut mirror).await.unwrap();
    assert_eq!((mirror.imported(), host.copy()), (200, host.data(host.live)));
    let mut changes: Vec<_> = (0..200).step_by(3).map(|n| (format!("{n:04}"), Some(format!("later {n}")))).collect();
    changes.extend((0..200).step_by(20).map(|n| (format!("{n:04}"), None)));
    host.write(&changes).await;
    complete(&mut mirror).await.unwrap();
    assert_eq!((host.copy().len(), host.copy()), (190, host.data(host.live)));
}

/// A swap gives a mirror only so much time.
#[tokio::test]
async fn a_mirror_that_is_interrupted_copies_what_it_had_begun() {
    let host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(200)).await;
    let mut mirror = host.mirror(Fault::None, Fault::Waits);
    complete(&mut mirror).await.unwrap();
    host.write(&[("0001".into(), Some("later".into())), ("0100".into(), None)]).await;
    let mut follow = Box::pin(mirror.follow(64));
    assert!(futures::poll!(follow.as_mut()).is_pending());
    drop(follow);
    assert_eq!((host.copy().len(), host.copy()["0001"].as_str()), (200, "value 1"));
    complete(&mut mirror).await.unwrap();
    assert_eq!((host.copy().len(), host.copy()), (199, host.data(host.live)));
}

#[tokio::test]
async fn a_commit_marks_the_pages_that_read_what_it_wrote_and_no_others() {
    let host = Host::open(SimulatedDisk::new(1));
    let mut pages = Pages::new(host.store().last_commit());
    // Several groups of pages, each page with one entity.
    for page in 0..1_000 {
        let mut transaction = host.store().begin_read();
        transaction.get(&format!("item/{page:04}")).unwrap();
        let after = if page == 0 { String::new() } else { format!("{:04}", page - 1) };
        pages.insert(after, Some(format!("{page:04}")), transaction.into_reads());
    }
    assert_eq!((pages.count(), pages.dirty()), (1_000, 0));
    let touched = ["0000", "0127", "0128", "0500", "0999"];
    let written = touched.iter().chain(&["2000"]).map(|key| (key.to_string(), Some("new".to_owned())));
    host.write(&written.collect::<Vec<_>>()).await;
    pages.mark_dirty(&host.store(), Generation::First);
    let dirty: Vec<_> = pages.next_dirty(100).into_iter().filter_map(|(_, until)| until).collect();
    assert_eq!(dirty, touched);
    assert_eq!(pages.next_dirty(2).len(), 2, "no more than were asked for");
}

#[tokio::test]
async fn a_call_is_repeated_on_a_copy_only_if_the_copy_held_what_the_call_read() {
    let host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(300)).await;
    let mut mirror = host.mirror(Fault::None, Fault::None);
    let early = host.call();
    while !mirror.copy_next().await.unwrap() {}
    assert_eq!(mirror.follow(64).await.unwrap(), 0);
    assert_eq!(host.repeated(&host.call()), Err(SnapshotError::Behind), "it is not verified");
    complete(&mut mirror).await.unwrap();
    let before = host.call();
    // One write is copied, and the page of the other is left.
    host.write(&[("0001".into(), Some("new".into())), ("0250".into(), Some("new".into()))]).await;
    let between = host.call();
    assert_eq!(mirror.follow(1).await.unwrap(), 1);
    let half = host.call();
    assert_eq!(mirror.follow(1).await.unwrap(), 0);
    let after = host.call();
    // A live write that no page reads makes the copy unknown until the mirror has looked at it.
    let mut transaction = host.store().begin();
    transaction.set("aside", "x").unwrap();
    transaction.commit(NO_CALL).await.unwrap();
    let aside = host.call();
    mirror.follow(1).await.unwrap();
    for (call, what) in [(&early, "early"), (&between, "between"), (&half, "half"), (&aside, "aside")] {
        assert_eq!(host.repeated(call), Err(SnapshotError::Behind), "{what}");
    }
    assert_eq!(host.repeated(&before).unwrap()["0001"], "value 1");
    for call in [&after, &host.call()] {
        let seen = host.repeated(call).unwrap();
        assert_eq!((seen["0001"].as_str(), seen["0250"].as_str(), seen.len()), ("new", "new", 300));
    }
}

#[tokio::test]
async fn a_mirror_counts_the_commits_that_its_copy_lacks() {
    let host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(300)).await;
    let mut mirror = host.mirror(Fault::None, Fault::None);
    complete(&mut mirror).await.unwrap();
    assert_eq!(mirror.commits_behind(), 0);
    for key in ["0001", "0100", "0200"] {
        host.write(&[(key.into(), Some("new".into()))]).await;
    }
    assert!(mirror.follow(1).await.unwrap() > 0);
    assert_eq!(mirror.commits_behind(), 3);
    while mirror.follow(64).await.unwrap() > 0 {}
    assert_eq!(mirror.commits_behind(), 0);
}

#[tokio::test]
async fn a_copy_is_not_completed_while_an_unfinished_call_is_bound_to_its_release() {
    let host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(10)).await;
    let mut mirror = host.mirror(Fault::None, Fault::None);
    complete(&mut mirror).await.unwrap();
    let commit = async |write| {
        let mut transaction = host.store().begin();
        transaction.write_row(write);
        transaction.commit(NO_CALL).await.unwrap();
    };
    let intent = CallId([7; 16]);
    commit(INTENTS.put(&intent, "what it takes to run it again")).await;
    let error = mirror.finish(clock::now() + Duration::from_secs(10)).await.unwrap_err();
    assert!(matches!(error, MirrorError::OpenIntents { count: 1 }) && error.is_temporary(), "{error}");
    commit(INTENTS.delete(&intent)).await;
    mirror.finish(clock::now() + Duration::from_secs(10)).await.unwrap();
}
