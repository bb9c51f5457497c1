use super::*;

#[test]
fn nothing_that_is_printed_steers_a_terminal() {
    let check = |text: &str, printed: &str| assert_eq!(printable(text), printed);
    check("plain\ttext\n→ ä", "plain\ttext\n→ ä");
    check("\u{1b}[2Jgone\r\u{9b}", "\u{fffd}[2Jgone\u{fffd}\u{fffd}");
}

#[test]
fn a_table_aligns_names_left_and_figures_right() {
    let rows = [vec!["NAME".into(), "CALLS".into()], vec!["inventory".into(), "7".into()]];
    assert_eq!(table(&rows, |column| column == 1), "NAME       CALLS\ninventory      7");
}
