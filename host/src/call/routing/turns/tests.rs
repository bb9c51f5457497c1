use std::pin::{Pin, pin};

use futures::{FutureExt as _, poll};

use super::super::kind::tests::{function, text};
use super::*;
use crate::clock::simulated::TimerClock;
use crate::names::ServiceName;

fn calls() -> Arc<ServiceCalls> {
    ServiceCalls::new(&ServiceName::parse("tested").expect("a name"))
}

fn keys(keys: &[&str]) -> BTreeSet<Arc<str>> {
    keys.iter().map(|key| Arc::from(*key)).collect()
}

/// The keys whose turns a call of `reserve` with `sku` takes.
fn expected(turns: &Turns, sku: &str) -> BTreeSet<Arc<str>> {
    turns.expected(&function("reserve"), &[text(sku)])
}

/// A call of `reserve` with `sku` loses on `key`.
fn lose(turns: &Turns, sku: &str, key: &str) {
    turns.expect(&function("reserve"), &[text(sku)], &Arc::from(key));
}

fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    future.now_or_never()
}

#[tokio::test]
async fn a_turn_is_had_by_one_call_after_the_other_in_the_order_of_their_arrival() {
    let (turns, calls, tea) = (Turns::default(), calls(), keys(&["stock/tea"]));
    lose(&turns, "tea", "stock/tea");
    let first = turns.take(&tea, &calls).await;
    let (mut second, mut third) = (pin!(turns.take(&tea, &calls)), pin!(turns.take(&tea, &calls)));
    assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
    drop(first);
    assert!(poll!(&mut third).is_pending(), "the second came before it");
    let second = second.await;
    assert!(now(turns.take(&tea, &calls)).is_none(), "the third came before it");
    second.give_up();
    drop(third.await);
    assert_eq!(calls.figures().turns, 2, "the first did not wait");
}

#[tokio::test]
async fn calls_on_other_keys_or_without_any_do_not_wait() {
    let (turns, calls) = (Turns::default(), calls());
    lose(&turns, "tea", "stock/tea");
    lose(&turns, "cocoa", "stock/cocoa");
    let _tea = turns.take(&expected(&turns, "tea"), &calls).await;
    assert!(now(turns.take(&expected(&turns, "cocoa"), &calls)).is_some());
    assert!(now(turns.take(&expected(&turns, "coffee"), &calls)).is_some());
    assert!(now(turns.take(&keys(&["unknown"]), &calls)).is_some(), "nobody lost on it");
    assert!(now(turns.take(&expected(&turns, "tea"), &calls)).is_none());
}

/// Both want both keys, and learned of them in another order.
#[tokio::test]
async fn calls_with_several_turns_do_not_wait_for_each_other() {
    let (turns, calls) = (Turns::default(), calls());
    lose(&turns, "tea", "stock/tea");
    lose(&turns, "cocoa", "stock/cocoa");
    let _tea = turns.take(&keys(&["stock/tea"]), &calls).await;
    let both = keys(&["stock/tea", "stock/cocoa"]);
    let mut second = pin!(turns.take(&both, &calls));
    assert!(poll!(&mut second).is_pending());
    assert!(now(turns.take(&keys(&["stock/cocoa"]), &calls)).is_none(), "keys are taken in their order");
}

#[tokio::test]
async fn a_call_that_gives_up_waiting_leaves_its_place() {
    let (turns, calls, tea) = (Turns::default(), calls(), keys(&["stock/tea"]));
    lose(&turns, "tea", "stock/tea");
    let first = turns.take(&tea, &calls).await;
    let mut second: Pin<Box<dyn Future<Output = HeldTurns>>> = Box::pin(turns.take(&tea, &calls));
    let mut third = pin!(turns.take(&tea, &calls));
    assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
    drop(second);
    drop(first);
    assert!(now(third).is_some());
}

#[tokio::test(start_paused = true)]
async fn calls_of_a_kind_are_expected_for_a_second_after_its_last_conflict() {
    let _clock = TimerClock::install(0);
    let (turns, calls) = (Turns::default(), calls());
    assert!(expected(&turns, "tea").is_empty());
    lose(&turns, "tea", "stock/tea");
    tokio::time::advance(EXPECTED_FOR / 2).await;
    lose(&turns, "tea", "stock/tea");
    tokio::time::advance(EXPECTED_FOR / 2).await;
    assert_eq!(expected(&turns, "tea"), keys(&["stock/tea"]));
    let held = turns.take(&expected(&turns, "tea"), &calls).await;
    tokio::time::advance(EXPECTED_FOR / 2).await;
    assert!(expected(&turns, "tea").is_empty());
    assert_eq!(turns.lock().len(), 1, "its turn is in use");
    drop(held);
    assert!(expected(&turns, "tea").is_empty());
    assert!(turns.lock().is_empty() && !turns.is_contested.load(Ordering::Relaxed));
}

#[test]
fn a_call_that_lost_without_teaching_others_can_take_its_turn() {
    let (turns, calls) = (Turns::default(), calls());
    turns.lost(&Arc::from("stock/tea"));
    assert!(expected(&turns, "tea").is_empty());
    let _held = now(turns.take(&keys(&["stock/tea"]), &calls)).expect("nobody has it");
    assert!(now(turns.take(&keys(&["stock/tea"]), &calls)).is_none());
}

/// The calls do not name their key. Only a key on which all of them lose is expected.
#[test]
fn a_function_waits_for_the_key_on_which_all_its_calls_lose() {
    let turns = Turns::default();
    for order in ["o-1", "o-2", "o-3"] {
        lose(&turns, order, "counter");
        assert!(expected(&turns, "o-9").is_empty());
    }
    lose(&turns, "o-4", "counter");
    assert_eq!(expected(&turns, "o-9"), keys(&["counter"]));
    lose(&turns, "o-5", "stock/tea");
    assert!(expected(&turns, "o-9").is_empty(), "not all its calls lose on the counter");
    for _ in 0..10 {
        ["stock/tea", "stock/cocoa"].iter().for_each(|key| lose(&turns, "o-6", key));
    }
    assert!(expected(&turns, "o-9").is_empty());
}

#[tokio::test]
async fn the_memory_is_bounded_and_turns_in_use_are_not_forgotten() {
    let (turns, calls) = (Turns::default(), calls());
    lose(&turns, "tea", "stock/tea");
    let _tea = turns.take(&keys(&["stock/tea"]), &calls).await;
    for number in 0..KEYS_MAX * 2 {
        lose(&turns, &format!("sku-{number}"), &format!("stock/sku-{number}"));
    }
    assert_eq!(turns.lock().len(), KEYS_MAX);
    assert!(now(turns.take(&keys(&["stock/tea"]), &calls)).is_none());
    let newest = format!("sku-{}", KEYS_MAX * 2 - 1);
    assert_eq!(expected(&turns, &newest).len(), 1);
    for number in 0..KINDS_MAX * 2 {
        turns.expect(&function(&format!("f-{number}")), &[text("tea")], &Arc::from("stock/tea"));
    }
    assert!(turns.lock().iter().all(|known| known.kinds.len() <= KINDS_MAX));
}
