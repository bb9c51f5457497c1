//! What hostile guests must not get away with: each ends with the failure that is its due, hurts nobody else, and gives
//! back what it took.

use std::sync::Arc;
use std::time::Duration;

use switchyard::limits::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
use switchyard::runtime::Failure;
use switchyard::store::StoreError;
use wasmtime::component::Val;

use crate::guest::{Broken, Guest, Peer, limits, now, runtime, slow_ticking_runtime};
use crate::log;

/// A function of the contract that does harm, what is passed to it, how it must end, and what the log must say.
struct Scenario {
    function: &'static str,
    arguments: Vec<Val>,
    peer: fn(&Arc<Guest>) -> Peer,
    reads_only: bool,
    due: fn(&Result<Option<Val>, Failure>) -> bool,
    log: &'static str,
}

impl Scenario {
    fn new(function: &'static str, due: fn(&Result<Option<Val>, Failure>) -> bool, log: &'static str) -> Self {
        Self { function, arguments: Vec::new(), peer: |_| Peer::Breaks, reads_only: false, due, log }
    }

    fn with(self, argument: Val) -> Self {
        Self { arguments: vec![argument], ..self }
    }

    fn reads_only(self) -> Self {
        Self { reads_only: true, ..self }
    }

    fn peer(self, peer: fn(&Arc<Guest>) -> Peer) -> Self {
        Self { peer, ..self }
    }

    async fn run(&self, guest: &Arc<Guest>) -> Result<Option<Val>, Failure> {
        let peer = (self.peer)(guest);
        let frame = if self.reads_only { guest.frame_read(peer) } else { guest.frame(peer) };
        guest.finish(self.function, &self.arguments, frame).await.result
    }
}

fn bytes(count: usize) -> Val {
    Val::U32(u32::try_from(count).unwrap())
}

/// Whether a call deep down failed because calls go no deeper.
fn too_deep(failure: &Failure) -> bool {
    let Failure::Nested(cause) = failure else { return false };
    match (cause.0.downcast_ref::<Failure>(), cause.0.downcast_ref::<Broken>()) {
        (Some(nested), _) => too_deep(nested),
        (None, Some(broken)) => broken.0 == "call_depth_max",
        (None, None) => false,
    }
}

fn scenarios() -> Vec<Scenario> {
    use Failure::{Deadline, Limit, Memory, Store, Trap};
    vec![
        Scenario::new("spin", |end| matches!(end, Err(Deadline)), "the deadline of the call passed"),
        Scenario::new("allocate", |end| matches!(end, Err(Memory { .. })), "memory_bytes_max = 8388608"),
        Scenario::new("recurse", |end| matches!(end, Err(Trap { .. })), "stack overflowed"),
        Scenario::new(
            "panic",
            |end| matches!(end, Err(Trap { log_tail, .. }) if log_tail.contains("out of bananas")),
            "out of bananas",
        )
        .with(Val::String("out of bananas".into())),
        Scenario::new("exit", |end| matches!(end, Err(Trap { .. })), "ended itself with status 1"),
        Scenario::new("flood", |end| matches!(end, Ok(None)), "log_bytes_per_second=1000").with(bytes(100_000)),
        Scenario::new("emit-on", |end| limit(end, "events_per_call_max"), "events_per_call_max = 10"),
        Scenario::new("write-on", |end| matches!(end, Err(Store(StoreError::TooManyKeys { .. }))), "at most 512 keys"),
        Scenario::new("write-key", |end| matches!(end, Err(Store(StoreError::Key(_)))), "1 to 1,024 bytes")
            .with(bytes(KEY_BYTES_MAX + 1)),
        Scenario::new(
            "write-value",
            |end| matches!(end, Err(Store(StoreError::ValueTooLarge { .. }))),
            "at most 1048576 can be stored",
        )
        .with(bytes(VALUE_BYTES_MAX + 1)),
        Scenario::new("write-while-reading", read_only, "only reads").reads_only(),
        Scenario::new("emit-while-reading", read_only, "only reads").reads_only(),
        Scenario::new("answer-text", |end| limit(end, "answer_bytes_max"), "answer_bytes_max = 10000")
            .with(bytes(10_001)),
        Scenario::new("answer-list", |end| limit(end, "answer_bytes_max"), "answer_bytes_max = 10000")
            .with(bytes(3_000_000)),
        Scenario::new("hand-over", |end| limit(end, "answer_bytes_max"), "answer_bytes_max = 10000")
            .with(bytes(3_000_000)),
        Scenario::new("sleep", |end| matches!(end, Err(Deadline)), "the deadline of the call passed")
            .with(Val::U32(u32::MAX)),
        Scenario::new("hold-on", |end| matches!(end, Err(Limit { name: "handles_max", .. })), "handles_max = 1024"),
        Scenario::new("wait", |end| matches!(end, Err(Deadline)), "the deadline of the call passed")
            .peer(|_| Peer::Never),
        Scenario::new("go-around", |end| matches!(end, Err(failure) if too_deep(failure)), "call_depth_max")
            .with(Val::U32(0))
            .peer(|guest| Peer::Around(Arc::clone(guest), 2)),
    ]
}

fn limit(end: &Result<Option<Val>, Failure>, limit: &str) -> bool {
    matches!(end, Err(Failure::Limit { name, .. }) if *name == limit)
}

fn read_only(end: &Result<Option<Val>, Failure>) -> bool {
    matches!(end, Err(Failure::Store(StoreError::ReadOnly)))
}

#[test]
fn every_scenario_of_the_contract_has_a_test() {
    let guest = Guest::new(&runtime(1), limits());
    let hostile = guest.world.exports.iter().filter(|interface| !interface.name.contains("/ordinary@"));
    let mut declared: Vec<_> = hostile.flat_map(|interface| &interface.functions).map(|f| &*f.name.wit).collect();
    let mut tested: Vec<_> = scenarios().iter().map(|scenario| scenario.function).collect();
    declared.sort_unstable();
    tested.sort_unstable();
    assert_eq!(declared, tested);
}

#[tokio::test]
async fn each_ends_with_the_failure_that_is_its_due_and_the_log_says_why() {
    log::capture();
    let runtime = slow_ticking_runtime(4);
    for scenario in scenarios() {
        let mut limits = limits();
        limits.deadline_ms = 200;
        let guest = Guest::new(&runtime, limits);
        log::take();
        let end = scenario.run(&guest).await;
        assert!((scenario.due)(&end), "{}: {end:?}", scenario.function);
        let logged = log::take();
        assert!(logged.contains(scenario.log), "{}: {logged}", scenario.function);
    }
}

/// A pool of four slots is empty after four runs of which each loses one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_gives_its_slots_and_memory_back_a_thousand_times() {
    let runtime = runtime(4);
    let mut limits = limits();
    (limits.deadline_ms, limits.memory_bytes_max) = (2, 4 << 20);
    let guest = Guest::new(&runtime, limits);
    for scenario in scenarios() {
        for run in 0..1_000 {
            let end = scenario.run(&guest).await;
            assert!(!matches!(end, Err(Failure::Slots { .. })), "{} run {run}: {end:?}", scenario.function);
        }
        let used = runtime.slots_in_use();
        assert_eq!((used.instances, used.memories, used.stacks), (0, 0, 0), "{}", scenario.function);
        assert!(used.free_memory_bytes_resident <= 4 * (2 << 20), "{}: {used:?}", scenario.function);
    }
}

/// Neighbours share threads, slots and memory with every scenario at once, and answer all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_neighbour_answers_while_others_do_harm() {
    let runtime = runtime(64);
    let mut limits = limits();
    limits.deadline_ms = 300;
    let (hostile, neighbour) = (Guest::new(&runtime, limits), Guest::new(&runtime, crate::guest::limits()));
    let harm = scenarios().into_iter().map(|scenario| {
        let hostile = Arc::clone(&hostile);
        async move {
            // Whatever the end is, others look at it; here it is only in the way.
            let _end = scenario.run(&hostile).await;
        }
    });
    let harm = futures::future::join_all(harm);
    let well = async {
        for n in 0..20 {
            let said = Val::String(n.to_string());
            assert_eq!(neighbour.run("echo", std::slice::from_ref(&said)).await.unwrap(), Some(said));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::join!(harm, well);
}

/// The test has one thread. When it shares it with 64 guests that spin, each of its turns takes as long as 64 slices.
#[tokio::test]
async fn guests_that_spin_leave_the_thread_to_others_after_their_first_slice() {
    let runtime = runtime(64);
    let mut limits = limits();
    limits.deadline_ms = 60_000;
    let guest = Guest::new(&runtime, limits);
    let spinning = (0..63).map(|_| guest.run("spin", &[]));
    let spinning = futures::future::join_all(spinning);
    let turns = async {
        for _ in 0..3 {
            // All have used up their first slice.
            tokio::task::yield_now().await;
        }
        let began = now();
        for n in 0..50 {
            let said = Val::String(n.to_string());
            assert_eq!(guest.run("echo", std::slice::from_ref(&said)).await.unwrap(), Some(said));
            tokio::task::yield_now().await;
        }
        began.elapsed()
    };
    tokio::select! {
        biased;
        _ = spinning => panic!("they spin for a minute"),
        // If each of them had one slice in each turn, it would be more than ten seconds.
        took = turns => assert!(took < Duration::from_secs(6), "50 turns beside 63 spinning guests took {took:?}"),
    }
}

#[tokio::test]
async fn a_full_pool_is_said_and_nothing_is_run() {
    let runtime = runtime(1);
    let guest = Guest::new(&runtime, limits());
    let waits = guest.finish("wait", &[], guest.frame(Peer::Never));
    tokio::pin!(waits);
    assert!(futures::poll!(&mut waits).is_pending());
    assert!(matches!(guest.run("echo", &[Val::String("hi".into())]).await, Err(Failure::Slots { .. })));
}

#[tokio::test]
async fn a_run_that_is_dropped_gives_its_slot_back() {
    let guest = Guest::new(&runtime(1), limits());
    for _ in 0..100 {
        // The one before may be in its last turn.
        while futures::poll!(Box::pin(guest.finish("wait", &[], guest.frame(Peer::Never)))).is_ready() {
            tokio::task::yield_now().await;
        }
    }
    while guest.run("echo", &[Val::String("hi".into())]).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_transaction_comes_back_from_a_run_that_failed() {
    let guest = Guest::new(&runtime(1), limits());
    let finished = guest.finish("panic", &[Val::String("why".into())], guest.frame(Peer::Breaks)).await;
    assert!(finished.result.is_err());
    let frame = switchyard::runtime::Frame { transaction: finished.transaction, ..guest.frame(Peer::Breaks) };
    assert!(guest.finish("echo", &[Val::String("well".into())], frame).await.result.is_ok());
}
