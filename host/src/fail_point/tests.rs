use super::action::Action;
use super::armed::{arm, fail_point, fail_point_after, parse};

#[test]
fn a_point_is_armed_by_its_name_a_count_and_what_happens() {
    let check = |text, expected| assert_eq!(parse(text), expected, "{text}");
    check("journal.before-sync:3", Some(("journal.before-sync", 3, Action::Abort)));
    check("intent.after-open:1:panic", Some(("intent.after-open", 1, Action::Panic)));
    for wrong in ["", "journal.before-sync", "journal.before-sync:x", "no-such-point:1", "intent.after-open:1:abort"] {
        check(wrong, None);
    }
}

#[test]
fn an_armed_point_panics_at_the_time_that_was_given_and_at_no_other() {
    let reach = || std::panic::catch_unwind(|| fail_point("memo.before-commit")).is_err();
    assert!(!reach());
    let armed = arm("memo.before-commit", 2, Action::Panic);
    assert_eq!([reach(), reach(), reach()], [false, true, false]);
    let _again = arm("memo.before-commit", 1, Action::Panic);
    drop(armed);
    assert!(!reach(), "a point of a test that is over is armed");
}

#[test]
fn another_thread_does_not_notice() {
    let _armed = arm("memo.after-commit", 1, Action::Panic);
    std::thread::scope(|scope| scope.spawn(|| fail_point("memo.after-commit")).join()).expect("no panic there");
}

#[test]
fn the_last_act_before_a_panic_is_done_once() {
    let _armed = arm("journal.mid-write", 1, Action::Panic);
    let mut written = 0;
    let reached = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        fail_point_after("journal.mid-write", || written += 1);
    }));
    assert!(reached.is_err());
    assert_eq!(written, 1);
}
