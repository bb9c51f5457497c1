use super::*;
use crate::contract::{Name, Reach};

fn function(name: &str) -> Arc<Function> {
    Arc::new(Function {
        interface: "test:recent/recent@1.0.0".into(),
        name: Name::new(name),
        docs: "".into(),
        parameters: Vec::new(),
        ok: None,
        err: None,
        fallible: false,
        reach: Reach::Read,
        roles: Vec::new(),
        calls_in_flight_max: None,
    })
}

fn text(text: &str) -> Arc<[Val]> {
    Arc::from([Val::String(text.into())])
}

fn texts(recent: &RecentCalls) -> Vec<String> {
    let text = |call: &RecentCall| match call.arguments.first() {
        Some(Val::String(text)) => text.clone(),
        other => panic!("{other:?}"),
    };
    recent.all().iter().map(text).collect()
}

#[test]
fn the_newest_different_calls_of_each_function_are_kept() {
    let (recent, one, other) = (RecentCalls::default(), function("one"), function("other"));
    recent.record(&one, &text("a"), None, None);
    recent.record(&one, &text("a"), None, None);
    recent.record(&other, &text("a"), None, None);
    assert_eq!(texts(&recent), ["a", "a"], "one for each function");
    for number in 0..=RECENT_CALLS_MAX {
        recent.record(&one, &text(&number.to_string()), None, None);
    }
    let kept = texts(&recent);
    assert_eq!(kept.len(), RECENT_CALLS_MAX + 1);
    assert!(!kept[..RECENT_CALLS_MAX].contains(&"a".into()), "{kept:?}");
    assert!(kept.contains(&RECENT_CALLS_MAX.to_string()), "{kept:?}");
}

#[test]
fn callers_make_calls_different_and_sampling_keeps_some_of_many() {
    let (recent, one) = (RecentCalls::default(), function("one"));
    let anna = Identity { id: "anna".into(), role: "customer".into(), session: None };
    recent.record(&one, &text("a"), None, None);
    recent.record(&one, &text("a"), Some(&anna), None);
    assert_eq!(recent.all().len(), 2);
    for number in 0..10_000 {
        recent.record(&one, &text(&number.to_string()), None, None);
    }
    let kept = texts(&recent);
    assert_eq!(kept.len(), RECENT_CALLS_MAX);
    assert!(kept.iter().all(|text| text.parse::<u32>().is_ok_and(|number| number > 9_000)), "{kept:?}");
}

#[test]
fn large_arguments_are_not_kept_and_none_are_shown() {
    let (recent, one) = (RecentCalls::default(), function("one"));
    recent.record(&one, &text(&"x".repeat(RECENT_CALL_BYTES_MAX)), None, None);
    assert_eq!(recent.all().len(), 0);
    recent.record(&one, &text("a-secret-token"), None, None);
    assert_eq!(recent.all().len(), 1);
    assert!(!format!("{recent:?}").contains("secret"), "{recent:?}");
}

#[test]
fn functions_of_earlier_contracts_make_room_for_those_of_the_current_one() {
    let recent = RecentCalls::default();
    let current: Vec<_> = (0..RECENT_FUNCTIONS_MAX).map(|number| function(&format!("f{number}"))).collect();
    for _ in 0..3 {
        recent.record(&function("earlier"), &text("a"), None, None);
    }
    current.iter().for_each(|function| recent.record(function, &text("a"), None, None));
    assert_eq!(recent.all().len(), RECENT_FUNCTIONS_MAX);
    recent.record(&function("beyond"), &text("a"), None, None);
    assert_eq!(recent.all().len(), RECENT_FUNCTIONS_MAX);
}
