use super::*;

const DAMAGED: Option<&str> = Some("message 7 cannot be read");
const LOSS: &[&str] = &["the stream has the commits 44 to 50"];

#[test]
fn a_stream_is_written_again_only_if_that_is_needed_and_loses_nothing_unasked() {
    let check = |plan: &ReseedPlan, flags: [bool; 2], expected: Result<(), (Kind, &str)>| {
        let [plan_only, lose_commits] = flags;
        let judged = judge(plan, &Arguments { plan: plan_only, yes: false, lose_commits });
        match (judged, expected) {
            (Ok(()), Ok(())) => {}
            (Err(failure), Err((kind, text))) => {
                assert!(failure.kind == kind && failure.to_string().contains(text), "{failure}");
            }
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    };
    let needless = Err((Kind::NotNeeded, "nothing is wrong with the stream"));
    check(&ReseedPlan::of_test(None, &[], None), [false, false], needless);
    check(&ReseedPlan::of_test(None, LOSS, Some("a")), [true, false], needless);
    check(&ReseedPlan::of_test(DAMAGED, &[], None), [false, false], Ok(()));
    check(&ReseedPlan::of_test(DAMAGED, LOSS, Some("a")), [true, false], Ok(()));
    let leads = Err((Kind::Refused, "b leads the cluster and writes to the stream"));
    check(&ReseedPlan::of_test(DAMAGED, LOSS, Some("b")), [false, true], leads);
    let loses = Err((Kind::Refused, "would be lost that this host does not have: the stream has the commits 44 to 50"));
    check(&ReseedPlan::of_test(DAMAGED, LOSS, None), [false, false], loses);
    check(&ReseedPlan::of_test(DAMAGED, LOSS, None), [false, true], Ok(()));
}

#[test]
fn the_plan_shows_what_is_there_and_what_would_be_kept_and_lost() {
    let plan = ReseedPlan::of_test(DAMAGED, LOSS, Some("b"));
    let shown = text(&plan);
    for line in [
        "this host  commits up to 43, epoch 3, hash 0000",
        "stream     messages 1 to 70, 1.4 KiB, commits up to 40, epoch 2",
        "copies     there is none",
        "leader     b writes to the stream",
        "problem    message 7 cannot be read",
        "kept       the commits up to 43 of this host",
        "lost       the stream has the commits 44 to 50",
    ] {
        assert!(shown.lines().any(|found| found.starts_with(line)), "{line}\n{shown}");
    }
    assert!(question(&plan).ends_with("Lost for good: the stream has the commits 44 to 50."), "{}", question(&plan));
    let document = document(&plan, true);
    assert_eq!(
        (&document["host"]["commit"], &document["stream"]["commit"], &document["reseeded"]),
        (&json!(43), &json!(40), &json!(true))
    );
    assert_eq!(document["host"]["journal"], "ab".repeat(16));
}
