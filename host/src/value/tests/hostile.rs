//! Hostile JSON is refused, with bounded memory and stack.

use std::sync::Arc;

use wasmtime::component::Val;

use crate::contract::{Field, Name, Record, Type};
use crate::limits::{VALUE_DEPTH_MAX, VALUE_JSON_BYTES_MAX, VALUE_MEMORY_BYTES_MAX};
use crate::value::Codec;

fn deepest(wrap: fn(Arc<Type>) -> Type) -> Type {
    (1..VALUE_DEPTH_MAX).fold(Type::Bool, |inner, _| wrap(Arc::new(inner)))
}

/// A record that is `{}` in JSON and large in memory.
fn wide() -> Type {
    let field = |place| Field::new(Name::new(&format!("f{place}")), Type::Option(Arc::new(Type::Bool)));
    let record = Record {
        name: "wide".into(),
        interface: "t:t/t".into(),
        docs: "".into(),
        fields: (0..500).map(field).collect(),
    };
    Type::Record(Arc::new(record))
}

#[test]
fn json_that_is_deeper_than_its_type_is_refused_where_it_begins_to_be() {
    let check = |ty: Type, open: &str, pointer: &str| {
        let error = Codec::new(&ty).decode(open.repeat(100_000).as_bytes()).unwrap_err();
        assert_eq!(error.pointer, pointer);
    };
    check(Type::String, "[", "");
    check(Type::List(Arc::new(Type::List(Arc::new(Type::Bool)))), "[", "/0/0");
    check(Type::Option(Arc::new(Type::Option(Arc::new(Type::Bool)))), r#"{"some":"#, "/some");
    check(deepest(Type::List), "[", &"/0".repeat(VALUE_DEPTH_MAX - 1));
}

#[test]
fn the_deepest_type_is_read_and_written() {
    let check = |wrap: fn(Arc<Type>) -> Type, open: &str, inner: &str, close: &str| {
        let codec = Codec::new(&deepest(wrap));
        let json = format!("{}{inner}{}", open.repeat(VALUE_DEPTH_MAX - 1), close.repeat(VALUE_DEPTH_MAX - 1));
        let value = codec.decode(json.as_bytes()).expect("it is as deep as its type");
        let mut written = Vec::new();
        assert_eq!(codec.encode(&value, &mut written), Ok(()));
        assert_eq!(String::from_utf8(written).unwrap(), json);
    };
    check(Type::List, "[", "true", "]");
    check(|inner| Type::Result { ok: Some(inner), err: None }, r#"{"ok":"#, "false", "}");
}

#[test]
fn a_little_json_for_much_memory_is_refused() {
    let check = |ty: Type, json: String| {
        let error = Codec::new(&ty).decode(json.as_bytes()).unwrap_err();
        assert_eq!(error.detail, format!("expected at most {VALUE_MEMORY_BYTES_MAX} bytes in memory"));
    };
    check(Type::List(Arc::new(wide())), format!("[{}{{}}]", "{},".repeat(100_000)));
    check(Type::List(Arc::new(Type::Tuple([].into()))), format!("[{}[]]", "[],".repeat(2_000_000)));
    check(Type::List(Arc::new(Type::U8)), format!("\"{}\"", "AAAA".repeat(1_000_000)));
}

#[test]
fn json_beyond_the_size_limit_is_neither_read_nor_written() {
    let codec = Codec::new(&Type::String);
    let error = codec.decode(&vec![b' '; VALUE_JSON_BYTES_MAX + 1]).unwrap_err();
    assert_eq!(error.detail, format!("expected at most {VALUE_JSON_BYTES_MAX} bytes of JSON"));
    let mut json = b"before".to_vec();
    let error = codec.encode(&Val::String("\u{1}".repeat(VALUE_JSON_BYTES_MAX / 6 + 1)), &mut json).unwrap_err();
    assert_eq!(error.detail, format!("expected at most {VALUE_JSON_BYTES_MAX} bytes of JSON"));
    assert_eq!(json, b"before");
}

#[test]
fn an_error_stays_short_whatever_the_json() {
    let check = |ty: Type, json: String| {
        let error = Codec::new(&ty).decode(json.as_bytes()).unwrap_err();
        assert!(error.pointer.len() + error.detail.len() < 300, "{error}");
    };
    let long = "x".repeat(1_000_000);
    check(Type::U8, format!("\"{long}\""));
    check(Type::F32, format!("\"{long}\""));
    check(
        Type::Flags(Arc::new(crate::contract::Flags {
            name: "f".into(),
            interface: "t:t/t".into(),
            docs: "".into(),
            flags: vec![Name::new("a")],
        })),
        format!("[\"{long}\"]"),
    );
    check(wide(), format!("{{\"{long}\":1}}"));
    check(Type::F64, "9".repeat(1_000_000));
    check(Type::U64, "9".repeat(300));
}

#[test]
fn bytes_that_are_not_utf_8_are_refused() {
    let check = |json: &[u8]| assert!(Codec::new(&Type::String).decode(json).is_err(), "{json:?}");
    check(b"\"\xff\"");
    check(b"\"\xed\xa0\x80\"");
    check(b"\"\xc0\xaf\"");
    check(b"\xef\xbb\xbf\"a\"");
}
