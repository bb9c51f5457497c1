use super::*;
use crate::names::ServiceName;

fn admission(slots: usize, waiting: usize) -> (Admission, Arc<ServiceCalls>) {
    let admission = Admission {
        slots: Arc::new(Semaphore::new(slots)),
        waiting: AtomicUsize::new(0),
        waiting_max: waiting,
        wait_max: Duration::from_secs(1),
    };
    (admission, ServiceCalls::new(&ServiceName::parse("tested").expect("a name")))
}

#[tokio::test(start_paused = true)]
async fn a_call_too_many_waits_its_time_and_is_refused() {
    let (admission, calls) = admission(1, 1);
    let deadline = crate::clock::now() + Duration::from_secs(5);
    let first = admission.enter(deadline, &calls).await.expect("there is a slot");
    let (second, third) = tokio::join!(admission.enter(deadline, &calls), admission.enter(deadline, &calls));
    assert_eq!(second.err(), Some(Refused::Waited));
    assert_eq!(third.err(), Some(Refused::Full));
    drop(first);
    assert!(admission.enter(deadline, &calls).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_gave_up_waiting_leaves_its_place() {
    let (admission, calls) = admission(1, 1);
    let deadline = crate::clock::now() + Duration::from_secs(5);
    let _first = admission.enter(deadline, &calls).await.expect("there is a slot");
    for _ in 0..3 {
        assert_eq!(admission.enter(deadline, &calls).await.err(), Some(Refused::Waited));
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_past_the_deadline_of_the_call() {
    let (admission, calls) = admission(0, 1);
    let begin = tokio::time::Instant::now();
    let deadline = (begin + Duration::from_millis(10)).into_std();
    assert_eq!(admission.enter(deadline, &calls).await.err(), Some(Refused::Waited));
    assert!(begin.elapsed() < Duration::from_secs(1));
}
