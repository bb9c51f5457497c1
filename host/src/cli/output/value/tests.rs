use super::*;

#[test]
fn a_value_is_shown_as_the_first_form_that_it_has() {
    let check = |bytes: &[u8], expected: &str| assert_eq!(auto(bytes), expected, "{bytes:?}");
    check(b"", "");
    check(b"green tea", "green tea");
    check(b"12.50", "12.50");
    check(b"{\"a\":[1]}", "{\n  \"a\": [\n    1\n  ]\n}");
    check(b"{not json", "{not json");
    check(
        b"\x01\x05Green tea, 100 g",
        "00000000  01 05 47 72 65 65 6e 20 74 65 61 2c 20 31 30 30  ..Green tea, 100\n\
         00000010  20 67                                             g",
    );
    // A text that would control the terminal is not shown as text.
    check(b"\x1b[2J", "00000000  1b 5b 32 4a                                      .[2J");
    check(&[0xff], "00000000  ff                                               .");
}

#[test]
fn hexadecimal_is_read_as_it_is_written() {
    let check = |text: &str, bytes: Option<&[u8]>| assert_eq!(unhex(text).as_deref(), bytes, "{text}");
    check("", Some(&[]));
    check("00 fF\n7f", Some(&[0, 255, 127]));
    check("0", None);
    check("0g", None);
    check("é0", None);
    assert_eq!(unhex(&names::hex(&[0, 9, 255])), Some(vec![0, 9, 255]));
}

#[test]
fn a_table_shows_the_beginning_of_a_value_in_one_line() {
    assert_eq!(preview(b"one\n  two"), "one two");
    assert_eq!(preview(b"\x01\x02tea"), "..tea");
    assert_eq!(preview("é".repeat(61).as_bytes()), format!("{}…", "é".repeat(60)));
    assert_eq!(preview(&[1; 61]), format!("{}…", ".".repeat(60)));
}
