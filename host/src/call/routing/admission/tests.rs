use std::sync::LazyLock;

use super::*;
use crate::contract::Name;
use crate::names::ServiceName;

fn admission(slots: usize, waiting: usize) -> (Admission, Arc<ServiceCalls>) {
    let limits = LimitSettings {
        calls_in_flight_max: slots,
        function_calls_in_flight_max: [("costly".to_owned(), 1)].into(),
        calls_waiting_max: waiting,
        wait_ms_max: 1_000,
        ..crate::call::api::tests::LIMITS
    };
    (Admission::new(&limits), ServiceCalls::new(&ServiceName::parse("tested").expect("a name")))
}

fn function(name: &str, reach: Reach) -> Function {
    Function {
        interface: "a:b/c".into(),
        name: Name::new(name),
        docs: "".into(),
        parameters: Vec::new(),
        ok: None,
        err: None,
        fallible: false,
        reach,
        roles: Vec::new(),
        calls_in_flight_max: None,
    }
}

static PLAIN: LazyLock<Function> = LazyLock::new(|| function("plain", Reach::Internal));

#[tokio::test(start_paused = true)]
async fn a_call_beyond_the_slots_waits_its_time_and_is_refused() {
    let (admission, calls) = admission(1, 1);
    let deadline = crate::clock::now() + Duration::from_secs(5);
    let first = admission.enter(&PLAIN, deadline, &calls).await.expect("there is a slot");
    let (second, third) =
        tokio::join!(admission.enter(&PLAIN, deadline, &calls), admission.enter(&PLAIN, deadline, &calls));
    assert_eq!(second.err(), Some(Refused::Waited));
    assert_eq!(third.err(), Some(Refused::Full));
    drop(first);
    assert!(admission.enter(&PLAIN, deadline, &calls).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_gave_up_waiting_leaves_its_place() {
    let (admission, calls) = admission(1, 1);
    let deadline = crate::clock::now() + Duration::from_secs(5);
    let _first = admission.enter(&PLAIN, deadline, &calls).await.expect("there is a slot");
    for _ in 0..3 {
        assert_eq!(admission.enter(&PLAIN, deadline, &calls).await.err(), Some(Refused::Waited));
    }
}

#[tokio::test(start_paused = true)]
async fn no_call_waits_past_its_deadline() {
    let (admission, calls) = admission(0, 1);
    let begin = tokio::time::Instant::now();
    let deadline = (begin + Duration::from_millis(10)).into_std();
    assert_eq!(admission.enter(&PLAIN, deadline, &calls).await.err(), Some(Refused::Waited));
    assert!(begin.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn calls_of_a_costly_function_wait_for_each_other_and_keep_nobody_else_waiting() {
    let (admission, calls) = admission(8, 1);
    let deadline = crate::clock::now() + Duration::from_secs(5);
    let costly = function("costly", Reach::Internal);
    let first = admission.enter(&costly, deadline, &calls).await.expect("its slot");
    let others = async {
        let full = admission.enter(&costly, deadline, &calls).await;
        assert_eq!(full.err(), Some(Refused::Full), "one waits already");
        let others: Vec<_> = futures::future::join_all((0..7).map(|_| admission.enter(&PLAIN, deadline, &calls))).await;
        assert!(others.iter().all(Result::is_ok), "the slots of the service are free");
    };
    let (second, ()) = tokio::join!(admission.enter(&costly, deadline, &calls), others);
    assert_eq!(second.err(), Some(Refused::Waited));
    drop(first);
    admission.enter(&costly, deadline, &calls).await.expect("its slot is free again");
}

#[tokio::test(start_paused = true)]
async fn the_contract_bounds_the_calls_of_a_function_unless_the_manifest_does() {
    let (admission, calls) = admission(8, 0);
    let deadline = crate::clock::now() + Duration::from_secs(5);
    let bounded = |name: &str, slots| Function { calls_in_flight_max: Some(slots), ..function(name, Reach::Internal) };
    let in_flight_max = async |function: &Function| {
        let mut held = Vec::new();
        while let Ok(slot) = admission.enter(function, deadline, &calls).await {
            held.push(slot);
        }
        held.len()
    };
    assert_eq!(in_flight_max(&bounded("hash", 3)).await, 3);
    assert_eq!(in_flight_max(&bounded("hash", 3)).await, 3, "they are free again");
    assert_eq!(in_flight_max(&bounded("hash", 2)).await, 2, "another release has another number");
    assert_eq!(in_flight_max(&bounded("costly", 3)).await, 1, "the manifest says 1");
    assert_eq!(in_flight_max(&function("cheap", Reach::Internal)).await, 8);
    let _held = admission.enter(&bounded("hash", 1), deadline, &calls).await.expect("its slot");
    assert_eq!(in_flight_max(&bounded("hash", 1)).await, 0);
    assert_eq!(in_flight_max(&bounded("sign", 1)).await, 1, "each function has slots of its own");
}

#[tokio::test(start_paused = true)]
async fn a_service_without_a_free_slot_still_authenticates() {
    let (admission, calls) = admission(2, 0);
    let deadline = crate::clock::now() + Duration::from_secs(5);
    let _all = [admission.enter(&PLAIN, deadline, &calls).await, admission.enter(&PLAIN, deadline, &calls).await];
    assert_eq!(admission.enter(&PLAIN, deadline, &calls).await.err(), Some(Refused::Full));
    let authenticate = function("authenticate", Reach::Authenticate);
    let slot = admission.enter(&authenticate, deadline, &calls).await.expect("a slot of its own");
    assert_eq!(admission.enter(&authenticate, deadline, &calls).await.err(), Some(Refused::Full));
    drop(slot);
}

#[tokio::test(start_paused = true)]
async fn one_client_of_a_mounted_service_has_its_percentage_of_the_slots_and_at_least_one() {
    let address = |number: u8| Client::of(None, &[number]);
    for (slots, percent, expected) in [(8, 50, 4), (8, 100, 8), (3, 50, 1), (1, 1, 1)] {
        let (mut limits, calls) = (crate::call::api::tests::LIMITS, admission(1, 1).1);
        (limits.calls_in_flight_max, limits.client_calls_percent_max) = (slots, percent);
        let admission = Admission::new(&limits);
        let deadline = crate::clock::now() + Duration::from_secs(5);
        let mut held = Vec::new();
        while let Ok(slot) = admission.enter_mounted(address(1), deadline, &calls).await {
            held.push(slot);
        }
        assert_eq!(held.len(), expected, "{percent} % of {slots}");
        let other = admission.enter_mounted(address(2), deadline, &calls).await;
        assert_eq!(other.is_ok(), slots > expected, "{percent} % of {slots}: another client");
    }
}
