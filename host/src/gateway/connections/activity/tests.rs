use super::*;

const TIMEOUTS: ConnectionTimeouts = ConnectionTimeouts { head: Duration::from_secs(1), idle: Duration::from_secs(60) };

fn left(activity: &Activity) -> u64 {
    activity.deadline(TIMEOUTS).saturating_duration_since(clock::now()).as_secs()
}

#[test]
fn only_a_head_that_began_is_hurried() {
    let activity = Arc::new(Activity::new(2_048));
    assert_eq!(left(&activity), 59);
    activity.read();
    assert_eq!(left(&activity), 0);
    let handling = activity.handle();
    assert_eq!(left(&activity), 59);
    activity.read();
    drop(handling);
    assert_eq!(left(&activity), 59, "what is read while a request is handled is its body");
    let streaming = activity.stream();
    activity.read();
    drop(streaming);
    assert_eq!(left(&activity), 59, "a client may send its next request while it takes an answer");
}

#[test]
fn frames_of_http_2_are_no_head() {
    let activity = Activity::new(2_048);
    activity.read();
    activity.speaks_http2();
    activity.read();
    assert_eq!(left(&activity), 59);
}

#[test]
fn an_answer_has_to_be_taken_at_some_rate() {
    let timeouts = ConnectionTimeouts { idle: Duration::from_secs(600), ..TIMEOUTS };
    let activity = Arc::new(Activity::new(2_048));
    let left = || activity.deadline(timeouts).saturating_duration_since(clock::now()).as_secs();
    assert_eq!(left(), 599);
    let _handling = activity.handle();
    let mut answer = activity.stream();
    assert_eq!(left(), 9, "another request of the connection does not help");
    activity.wrote(30 * 2_048);
    assert_eq!(left(), 39);
    activity.wrote(100_000_000);
    assert_eq!(left(), 119, "nobody takes a lot first and then nothing for hours");
    answer.progress(false);
    assert_eq!(left(), 599, "the service has no more of it yet");
    answer.progress(true);
    assert_eq!(left(), 119);
    drop(answer);
    assert_eq!(left(), 599);
}
