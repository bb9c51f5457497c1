use super::*;

#[test]
fn only_a_yes_is_a_yes() {
    let check = |typed: &str, yes: bool| assert_eq!(answered(&mut typed.as_bytes()).is_ok(), yes, "{typed:?}");
    check("y\n", true);
    check(" YES \n", true);
    for typed in ["", "\n", "n\n", "no\n", "yep\n"] {
        check(typed, false);
    }
}

#[test]
fn without_a_terminal_nothing_is_confirmed() {
    assert!(confirm("Sure?", true).is_ok());
    let failure = nobody("Sure?");
    assert_eq!(failure.kind, Kind::Refused);
    assert!(failure.to_string().contains("--yes"), "{failure}");
}
