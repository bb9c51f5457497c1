use super::*;

const PATIENCE: Patience = Patience { head: Duration::from_secs(1), idle: Duration::from_secs(60) };

fn left(activity: &Activity) -> u64 {
    activity.deadline(PATIENCE).saturating_duration_since(clock::now()).as_secs()
}

#[test]
fn only_a_head_that_began_is_hurried() {
    let activity = Arc::new(Activity::new());
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
    let activity = Activity::new();
    activity.read();
    activity.speaks_http2();
    activity.read();
    assert_eq!(left(&activity), 59);
}
