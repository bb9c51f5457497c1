use std::time::Duration;

use super::*;
use crate::names::ServiceName;

#[tokio::test(start_paused = true)]
async fn a_client_waits_for_its_own_slots_and_others_do_not() {
    let calls = ServiceCalls::new(&ServiceName::parse("tested").expect("a name"));
    let slots = ClientSlots::new(2, 1);
    let enter = |client| {
        let until = || tokio::time::Instant::now().into_std() + Duration::from_secs(1);
        slots.enter(Client(client), until, &calls)
    };
    let held = [enter(1).await, enter(1).await];
    assert!(held.iter().all(Result::is_ok), "they are free");
    let (waited, full, other) = tokio::join!(enter(1), enter(1), enter(2));
    assert_eq!([waited.err(), full.err()], [Some(Refused::Client); 2]);
    assert!(other.is_ok(), "another client has slots of its own");
    let (next, ()) = tokio::join!(enter(1), async { drop(held) });
    assert!(next.is_ok(), "a slot is free again");
    drop((next, other));
    assert!(slots.lock().is_empty(), "no client has a request");
}
