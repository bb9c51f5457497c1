use super::*;
use crate::call::DifferentAnswers;
use crate::names::{Digest, ServiceName};

fn function(name: &str, compared: u32, equal: u32) -> RehearsedFunction {
    RehearsedFunction { function: name.into(), compared, equal, had: compared, ..RehearsedFunction::default() }
}

fn judged(functions: Vec<RehearsedFunction>, may_differ: bool) -> Verdict {
    let mut verdict = Verdict::new(&ServiceName::parse("stock").unwrap(), Digest::of(b"a"), "w");
    judge(&mut verdict, &RehearsalReport { functions }, may_differ);
    verdict
}

#[test]
fn equal_answers_pass_and_different_ones_are_warnings() {
    let verdict = judged(Vec::new(), false);
    assert_eq!((verdict.accepted, verdict.checks[0].detail.as_str()), (true, "there are no recent calls to compare"));
    let same = function("list-items", 3, 3);
    let differences = vec![DifferentAnswers { path: "/price/amount".into(), calls: 3 }];
    let other = RehearsedFunction { differences, lost: 3, ..function("get-item", 8, 5) };
    let verdict = judged(vec![same, other], false);
    assert!(verdict.accepted);
    assert_eq!(verdict.warnings, ["get-item: /price/amount differs in 3 of 8 calls"]);
    assert_eq!(verdict.checks[0].detail, "11 recent calls compared, 8 with the same answer (list-items, get-item)");
}

#[test]
fn a_failure_refuses_and_so_does_a_function_that_has_lost_everything() {
    let failed = RehearsedFunction { failed: 1, failure: Some("trap"), ..function("get-item", 0, 0) };
    let verdict = judged(vec![failed.clone()], true);
    assert!(!verdict.accepted);
    assert_eq!(
        (verdict.problems[0].path.as_str(), verdict.problems[0].found.as_str()),
        ("recent calls of get-item", "a trap")
    );
    let lost = RehearsedFunction { lost: 2, had: 2, ..function("get-item", 8, 6) };
    let verdict = judged(vec![lost.clone()], false);
    assert!(!verdict.accepted);
    assert!(verdict.problems[0].detail.contains("--answers-may-differ"), "{:?}", verdict.problems);
    assert!(judged(vec![lost], true).accepted);
    let nothing_to_lose = RehearsedFunction { had: 0, ..function("get-item", 8, 6) };
    assert!(judged(vec![nothing_to_lose], false).accepted);
}
