use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

#[test]
fn a_segment_is_decoded_once() {
    let check = |raw: &str, expected: Result<&str, TextError>| {
        assert_eq!(decode_segment(raw).as_deref().map_err(|error| *error), expected, "{raw:?}");
    };
    check("TEA-1", Ok("TEA-1"));
    check("a%20b%2Fc", Ok("a b/c"));
    check("%2525", Ok("%25"));
    check("a+b", Ok("a+b"));
    check("%e2%82%ac", Ok("€"));
    check("%", Err(TextError::Percent));
    check("%2", Err(TextError::Percent));
    check("%zz", Err(TextError::Percent));
    check("%+1", Err(TextError::Percent));
    check("%ff", Err(TextError::Utf8));
}

#[test]
fn a_query_is_split_before_it_is_decoded() {
    let check = |query: &str, expected: &[(&str, &str)]| {
        assert_eq!(pairs(query).collect::<Vec<_>>(), expected, "{query:?}");
    };
    check("", &[]);
    check("a=1&b=2", &[("a", "1"), ("b", "2")]);
    check("a", &[("a", "")]);
    check("a==b&&c=%26", &[("a", "=b"), ("c", "%26")]);
    check("=x", &[("", "x")]);
    assert_eq!(decode_query("a+b%2B").as_deref(), Ok("a b+"));
}

proptest! {
    #[test]
    fn any_text_comes_back(text in ".{0,40}") {
        let encoded = text.bytes().fold(String::new(), |mut encoded, byte| {
            write!(encoded, "%{byte:02X}").expect("writing to a String does not fail");
            encoded
        });
        prop_assert_eq!(decode_segment(&encoded), Ok(Cow::from(&text)));
        prop_assert_eq!(decode_query(&encoded), Ok(Cow::from(&text)));
    }

    #[test]
    fn any_bytes_are_read_without_harm(raw in "[%0-9a-fg+&=€]{0,40}") {
        let _text = decode_segment(&raw);
        for (name, value) in pairs(&raw) {
            let _texts = (decode_query(name), decode_query(value));
        }
    }
}
