use super::*;

/// The intent of a call that began `began` microseconds after the Unix epoch.
fn intent(began: u8) -> Intent {
    let seed = [began; 32];
    let json = format!(
        r#"{{"service":"cart","interface":"a:b/c@1.0.0","function":"f","seed":{seed:?},"time_unix_micros":{began},
            "request":"r","releases":[],"rows":[]}}"#
    );
    Intent::decode(format!("{}\n", json.replace('\n', "")).as_bytes()).expect("an intent")
}

fn all(count: u8) -> OpenIntents {
    let intents = OpenIntents::default();
    (1..=count).for_each(|began| drop(intents.add(intent(began), None, None)));
    intents
}

fn began(taken: &[Arc<Intent>]) -> Vec<u64> {
    taken.iter().map(|intent| intent.time_unix_micros).collect()
}

fn failed() -> Outcome {
    Err(CallError::Failed { service: ServiceName::parse("cart").expect("a name") })
}

#[test]
fn at_most_the_allowed_number_of_intents_runs_and_the_first_due_come_first() {
    let intents = all(5);
    let (first, next) = intents.take_due(2);
    assert_eq!((began(&first), next), (vec![1, 2], None), "there is no room for one that comes later");
    assert_eq!(began(&intents.take_due(2).0), [0_u64; 0]);
    intents.has_run(intent(1).id(), failed(), |_| Duration::from_secs(3600));
    assert_eq!(began(&intents.take_due(2).0), [3]);
    intents.has_run(intent(2).id(), Ok(Answer::Ok(None)), |_| Duration::ZERO);
    let (last, next) = intents.take_due(9);
    assert_eq!(began(&last), [4, 5]);
    assert!(next.is_some_and(|next| next > clock::now() + Duration::from_secs(3000)), "{next:?}");
    let views = intents.views(|_| true);
    let seen = views.iter().map(|view| (view.attempts, view.running)).collect::<Vec<_>>();
    assert_eq!(seen, [(1, false), (0, true), (0, true), (0, true)], "the oldest first");
}

#[test]
fn an_intent_is_taken_once_and_given_back_with_its_due_time_or_at_once() {
    let intents = all(1);
    let id = intent(1).id();
    let (_, _) = intents.take_due(1);
    intents.has_run(id, failed(), |_| Duration::from_secs(3600));
    let taken = intents.take(id).expect("it waits");
    assert_eq!(intents.take(id), Err(NotTaken::Running));
    intents.give_back(id, Arc::clone(&taken), false);
    assert_eq!(began(&intents.take_due(1).0), [0_u64; 0], "it is due when it was before");
    intents.take(id).expect("it waits");
    intents.give_back(id, taken, true);
    assert_eq!(began(&intents.take_due(1).0), [1]);
    intents.end(id, &failed());
    assert_eq!((intents.take(id), intents.views(|_| true)), (Err(NotTaken::Unknown), vec![]));
    assert_eq!(began(&intents.take_due(1).0), [0_u64; 0]);
}

#[test]
fn two_waiters_for_one_intent_both_get_its_outcome() {
    let intents = all(0);
    let mut told = [intents.add(intent(1), None, None), intents.add(intent(1), None, None)];
    assert_eq!((began(&intents.take_due(9).0), intents.views(|_| true).len()), (vec![1], 1));
    intents.has_run(intent(1).id(), Ok(Answer::Ok(None)), |_| Duration::ZERO);
    assert!(told.iter_mut().all(|told| matches!(told.try_recv(), Ok(Ok(Answer::Ok(None))))));
}

#[test]
fn calls_that_fail_again_and_again_leave_a_place_for_new_ones() {
    let intents = all(100);
    for began in 1..=100 {
        intents.take(intent(began).id()).expect("it waits");
        intents.has_run(intent(began).id(), failed(), |_| Duration::ZERO);
    }
    let (repeated, next) = intents.take_due(4);
    assert_eq!((repeated.len(), next), (3, None), "a quarter of the places stays free");
    drop(intents.add(intent(101), None, None));
    assert_eq!(began(&intents.take_due(4).0), [101], "a new one does not wait for the others");
}
