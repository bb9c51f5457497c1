use proptest::prelude::*;

use super::*;

/// A small set of texts with every kind of edge, so that they often collide: empty, U+0000, and the limits of the
/// ranges of characters.
fn text() -> impl Strategy<Value = String> {
    let letters = prop::sample::select(vec!['\0', '\u{1}', 'a', 'b', 'c', 's', '\u{7f}', '\u{d7ff}', char::MAX]);
    proptest::collection::vec(letters, 0..4).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn a_components_range_holds_what_a_plain_filter_gives_and_nothing_of_the_host(
        prefix in text(), after in proptest::option::of(text()), before in proptest::option::of(text()),
        keys in proptest::collection::vec(text(), 0..20), table: u8, fields in proptest::collection::vec(any::<u8>(), 0..6),
    ) {
        let after = after.map(|rest| format!("{prefix}{rest}"));
        let before = before.map(|rest| format!("{prefix}{rest}"));
        let range = KeyRange::of_component(Generation::First, &prefix, after.as_deref(), before.as_deref());
        for text in keys.iter().filter(|text| !text.is_empty()) {
            let expected = text.starts_with(&prefix)
                && after.as_ref().is_none_or(|after| text > after)
                && before.as_ref().is_none_or(|before| text < before);
            prop_assert_eq!(range.contains(Key::parse(Generation::First, text).unwrap().as_bytes()), expected, "{:?}", text);
        }
        prop_assert!(!range.contains(Key::of_row(table, &fields).as_bytes()));
    }

    #[test]
    fn a_range_of_rows_holds_no_key_of_a_component(
        table: u8, start: Option<Vec<u8>>, end: Option<Vec<u8>>, key in text(), other: u8, fields: Vec<u8>,
    ) {
        let range = KeyRange::of_rows(table, start.as_deref(), end.as_deref());
        if let Ok(key) = Key::parse(Generation::First, &key) {
            prop_assert!(!range.contains(key.as_bytes()));
        }
        let expected = table == other
            && start.is_none_or(|start| fields >= start)
            && end.is_none_or(|end| fields < end);
        prop_assert_eq!(range.contains(Key::of_row(other, &fields).as_bytes()), expected);
    }

    #[test]
    fn any_bytes_are_a_key_of_one_space_or_refused(bytes: Vec<u8>) {
        if let Ok(key) = Key::stored(&bytes) {
            prop_assert!(key.component_text().is_some() != key.row().is_some());
            prop_assert_eq!(key.as_bytes(), bytes);
        }
    }
}

#[test]
fn a_key_reads_as_it_was_stored() {
    for key in [
        Key::parse(Generation::First, "a").unwrap(),
        Key::parse(Generation::First, "\0").unwrap(),
        Key::of_row(b'm', b""),
        Key::of_row(0, &[255]),
    ] {
        assert_eq!(Key::stored(key.as_bytes()).unwrap(), key);
    }
    for bytes in [&b""[..], b"c", b"s", b"x1", b"c\xff"] {
        assert!(Key::stored(bytes).is_err(), "{bytes:?}");
    }
}
