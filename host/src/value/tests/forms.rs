//! The JSON form of each type, as `docs/json.md` describes it for clients.

use std::sync::Arc;

use wasmtime::component::Val;

use crate::contract::{Case, Enum, Field, Flags, Name, Record, Type, Variant};
use crate::value::{Codec, Parameters};

fn list(item: Type) -> Type {
    Type::List(Arc::new(item))
}

fn option(inner: Type) -> Type {
    Type::Option(Arc::new(inner))
}

fn some(value: Val) -> Val {
    Val::Option(Some(Box::new(value)))
}

fn text(text: &str) -> Val {
    Val::String(text.into())
}

fn case(name: &str, ty: Option<Type>) -> Case {
    Case { name: name.into(), ty, docs: "".into(), status: None, commits: false }
}

fn field(name: &str, ty: Type) -> Field {
    Field::new(Name::new(name), ty)
}

fn record(fields: Vec<Field>) -> Type {
    Type::Record(Arc::new(Record { name: "r".into(), interface: "t:t/t".into(), docs: "".into(), fields }))
}

fn variant() -> Type {
    let cases =
        vec![case("no-payload", None), case("with-payload", Some(Type::U8)), case("maybe", Some(option(Type::U8)))];
    Type::Variant(Arc::new(Variant { name: "v".into(), interface: "t:t/t".into(), docs: "".into(), cases }))
}

fn colour() -> Type {
    let cases = vec![case("dark-red", None), case("blue", None)];
    Type::Enum(Arc::new(Enum { name: "e".into(), interface: "t:t/t".into(), docs: "".into(), cases }))
}

fn rights() -> Type {
    let flags = vec![Name::new("may-read"), Name::new("may-write")];
    Type::Flags(Arc::new(Flags { name: "f".into(), interface: "t:t/t".into(), docs: "".into(), flags }))
}

fn price() -> Type {
    let money = record(vec![field("amount", Type::S64), field("currency", Type::String)]);
    record(vec![field("unit-price", money), field("note", option(Type::String))])
}

fn priced(note: Option<&str>) -> Val {
    let money = vec![("amount".into(), Val::S64(1999)), ("currency".into(), text("EUR"))];
    let note = Val::Option(note.map(|note| Box::new(text(note))));
    Val::Record(vec![("unit-price".into(), Val::Record(money)), ("note".into(), note)])
}

#[test]
fn each_type_has_its_form() {
    let check = |ty: Type, value: Val, json: &str| {
        let codec = Codec::new(&ty);
        let mut written = Vec::new();
        assert_eq!(codec.encode(&value, &mut written), Ok(()), "{ty:?}");
        assert_eq!(String::from_utf8(written).unwrap(), json, "{ty:?}");
        assert_eq!(codec.decode(json.as_bytes()), Ok(value), "{ty:?}");
    };
    check(Type::Bool, Val::Bool(true), "true");
    check(Type::S8, Val::S8(-128), "-128");
    check(Type::U32, Val::U32(u32::MAX), "4294967295");
    check(Type::S64, Val::S64(-7), "-7");
    check(Type::S64, Val::S64(1 << 53), "9007199254740992");
    check(Type::S64, Val::S64((1 << 53) + 1), r#""9007199254740993""#);
    check(Type::S64, Val::S64(-(1 << 53)), "-9007199254740992");
    check(Type::S64, Val::S64(i64::MIN), r#""-9223372036854775808""#);
    check(Type::U64, Val::U64(u64::MAX), r#""18446744073709551615""#);
    check(Type::F32, Val::Float32(0.1), "0.1");
    check(Type::F64, Val::Float64(-0.0), "-0.0");
    check(Type::F64, Val::Float64(5e-324), "5e-324");
    check(Type::Char, Val::Char('ß'), r#""ß""#);
    check(Type::String, text("a \"b\"\n\u{1}\u{1F600}"), "\"a \\\"b\\\"\\n\\u0001\u{1F600}\"");
    check(list(Type::U8), Val::List(vec![Val::U8(1), Val::U8(255)]), r#""Af8=""#);
    check(list(Type::U16), Val::List(vec![Val::U16(1), Val::U16(2)]), "[1,2]");
    check(list(Type::Bool), Val::List(vec![]), "[]");
    check(Type::FixedList(Arc::new(Type::U8), 2), Val::FixedLengthList(vec![Val::U8(1), Val::U8(2)]), "[1,2]");
    check(Type::Tuple([Type::U8, Type::String].into()), Val::Tuple(vec![Val::U8(1), text("a")]), r#"[1,"a"]"#);
    check(Type::Tuple([].into()), Val::Tuple(vec![]), "[]");
    check(option(Type::U8), Val::Option(None), "null");
    check(option(Type::U8), some(Val::U8(1)), "1");
    check(option(option(Type::U8)), Val::Option(None), "null");
    check(option(option(Type::U8)), some(Val::Option(None)), r#"{"some":null}"#);
    check(option(option(Type::U8)), some(some(Val::U8(1))), r#"{"some":1}"#);
    check(option(option(option(Type::U8))), some(some(Val::Option(None))), r#"{"some":{"some":null}}"#);
    check(Type::Result { ok: None, err: None }, Val::Result(Ok(None)), r#""ok""#);
    let result = || Type::Result { ok: Some(Arc::new(Type::U8)), err: None };
    check(result(), Val::Result(Ok(Some(Box::new(Val::U8(1))))), r#"{"ok":1}"#);
    check(result(), Val::Result(Err(None)), r#""err""#);
    check(colour(), Val::Enum("dark-red".into()), r#""dark-red""#);
    check(variant(), Val::Variant("no-payload".into(), None), r#""no-payload""#);
    check(variant(), Val::Variant("with-payload".into(), Some(Box::new(Val::U8(1)))), r#"{"with-payload":1}"#);
    check(variant(), Val::Variant("maybe".into(), Some(Box::new(Val::Option(None)))), r#"{"maybe":null}"#);
    check(rights(), Val::Flags(vec!["may-read".into(), "may-write".into()]), r#"["mayRead","mayWrite"]"#);
    check(rights(), Val::Flags(vec![]), "[]");
    check(price(), priced(None), r#"{"unitPrice":{"amount":1999,"currency":"EUR"}}"#);
    check(price(), priced(Some("x")), r#"{"unitPrice":{"amount":1999,"currency":"EUR"},"note":"x"}"#);
}

#[test]
fn other_forms_of_the_same_value_are_read_too() {
    let check = |ty: Type, json: &str, value: Val| {
        assert_eq!(Codec::new(&ty).decode(json.as_bytes()), Ok(value), "{json}");
    };
    check(Type::U8, "1.0", Val::U8(1));
    check(Type::S16, "-1e3", Val::S16(-1000));
    check(Type::U8, "-0", Val::U8(0));
    check(Type::S64, "1e18", Val::S64(1_000_000_000_000_000_000));
    check(Type::S64, "-9223372036854775.808e3", Val::S64(i64::MIN));
    check(Type::U64, "1844674407370955161500e-2", Val::U64(18_446_744_073_709_551_615));
    check(Type::U64, "18446744073709551615.0", Val::U64(u64::MAX));
    check(Type::S64, "0.0e99999999999999999999", Val::S64(0));
    check(Type::F64, "0e-400", Val::Float64(0.0));
    check(Type::F64, "-0.0", Val::Float64(-0.0));
    // The last number's digits are found after numbers of every kind, and after texts that look like numbers.
    let mixed = Type::Tuple([list(Type::S64), Type::String, option(Type::F64), Type::S64].into());
    let read = vec![Val::List(vec![Val::S64(1), Val::S64(-2)]), text("\"1.5"), some(Val::Float64(2.5)), Val::S64(100)];
    check(mixed, r#"[[1, -2.0], "\"1.5", 2.5, 1.00e2]"#, Val::Tuple(read));
    check(Type::S64, r#""42""#, Val::S64(42));
    check(Type::U64, "18446744073709551615", Val::U64(u64::MAX));
    check(Type::F64, "3", Val::Float64(3.0));
    check(Type::F64, "18446744073709551616", Val::Float64(18_446_744_073_709_551_616.0));
    check(Type::F32, "16777217", Val::Float32(16_777_216.0));
    // If it were rounded to 64 bits first, it would become the next larger float.
    check(Type::F32, "1.00000017881393432617187499", Val::Float32(f32::from_bits(0x3f80_0001)));
    check(Type::Char, r#""\ud83d\ude00""#, Val::Char('\u{1F600}'));
    check(rights(), r#"["mayWrite","mayRead"]"#, Val::Flags(vec!["may-read".into(), "may-write".into()]));
    check(price(), r#" {"note": null, "unitPrice": {"currency": "EUR", "amount": "1999"}} "#, priced(None));
}

#[test]
fn what_is_wrong_is_said_with_its_pointer() {
    let check = |ty: Type, json: &str, pointer: &str, detail: &str| {
        let error = Codec::new(&ty).decode(json.as_bytes()).unwrap_err();
        assert_eq!((error.pointer.as_str(), error.detail.as_str()), (pointer, detail), "{json}");
    };
    check(Type::U8, "256", "", "expected an integer from 0 to 255, found 256");
    check(Type::U8, "-1", "", "expected an integer from 0 to 255, found -1");
    check(Type::U8, "0.5", "", "expected an integer from 0 to 255, found 5e-1");
    check(Type::U8, r#""1""#, "", "expected an integer from 0 to 255, found a string");
    let long = "expected an integer from -9223372036854775808 to 9223372036854775807, as a number or a string, found ";
    check(Type::S64, "9223372036854775808", "", &format!("{long}9223372036854775808"));
    check(Type::S64, "1e300", "", &format!("{long}1e300"));
    check(Type::S64, r#""9223372036854775808""#, "", &format!("{long}another string"));
    check(Type::S64, r#""+1""#, "", &format!("{long}another string"));
    check(Type::S64, r#""01""#, "", &format!("{long}another string"));
    check(Type::U8, "0.99999999999999999999", "", "expected an integer from 0 to 255, found 1e0");
    check(Type::S64, "1.00000000000000000001", "", &format!("{long}1e0"));
    check(Type::S64, "1e-400", "", &format!("{long}0e0"));
    check(Type::F64, "1e-400", "", "expected a number, found 0e0");
    check(Type::F32, "-1e-60", "", "expected a number, found -1e-60");
    check(Type::F64, "1e400", "", "not JSON: number out of range at line 1 column 5");
    check(Type::F32, "1e39", "", "expected a number, found 1e39");
    check(Type::F32, "[1]", "", "expected a number, found an array");
    check(Type::F64, "NaN", "", "not JSON: expected value at line 1 column 1");
    check(Type::Char, r#""ab""#, "", "expected a string of one character, found another string");
    check(Type::String, r#""\ud800""#, "", "not JSON: unexpected end of hex escape at line 1 column 8");
    check(Type::String, "null", "", "expected a string, found null");
    check(list(Type::U8), r#""Af8""#, "", "expected a string of base64 with padding, found another string");
    check(list(Type::U16), "[1,true]", "/1", "expected an integer from 0 to 65535, found true");
    check(list(Type::U16), "[1,2", "/2", "not JSON: EOF while parsing a list at line 1 column 4");
    check(list(Type::U16), "[] []", "", "not JSON: trailing characters at line 1 column 4");
    let pair = || Type::Tuple([Type::U8, Type::U8].into());
    check(pair(), "[1]", "", "expected an array of 2 items, found only 1");
    check(pair(), "[1,2,3]", "", "expected an array of 2 items, found more");
    check(option(option(Type::U8)), "1", "", r#"expected {"some": …}, found 1"#);
    check(colour(), r#""red""#, "", r#"expected "dark-red" or "blue", found another string"#);
    check(colour(), r#"{"blue":null}"#, "", r#"expected "dark-red" or "blue", found an object"#);
    let forms = r#"expected "no-payload" or {"with-payload": …} or {"maybe": …}, found "#;
    check(variant(), r#""with-payload""#, "", &format!("{forms}another string"));
    check(variant(), r#"{"with-payload":1,"maybe":1}"#, "", &format!("{forms}an object with more members"));
    check(variant(), r#"{"with-payload":256}"#, "/with-payload", "expected an integer from 0 to 255, found 256");
    check(variant(), "{}", "", &format!("{forms}an object without such a member"));
    let names = r#"expected an array of different names from "mayRead" or "mayWrite""#;
    check(rights(), r#"["mayRead","mayRead"]"#, "/1", names);
    check(rights(), r#"["may-read"]"#, "/0", names);
    check(
        price(),
        r#"{"unitPrice":{"currency":"EUR"}}"#,
        "/unitPrice/amount",
        &format!("missing, {}", long.replace(", found ", "")),
    );
    check(price(), r#"{"unit-price":1}"#, "/unit-price", "unknown member");
    check(price(), r#"{"a/b~c":1}"#, "/a~1b~0c", "unknown member");
    check(price(), r#"{"note":null,"note":null}"#, "/note", "repeated member");
    check(price(), "[]", "", "expected an object, found an array");
    check(price(), r#"{"note":1}"#, "/note", "expected a string, found 1");
}

#[test]
fn a_float_that_is_not_finite_has_no_form() {
    let check = |value: f64| {
        let mut json = Vec::new();
        let error = Codec::new(&list(Type::F64)).encode(&Val::List(vec![Val::Float64(value)]), &mut json).unwrap_err();
        assert_eq!((error.pointer.as_str(), json.len()), ("/0", 0));
    };
    check(f64::NAN);
    check(f64::INFINITY);
}

#[test]
fn text_in_a_path_or_query_has_no_quotes() {
    let check = |ty: Type, text: &str, value: Option<Val>| {
        assert_eq!(Codec::new(&ty).decode_text(text).ok(), value, "{text:?}");
    };
    check(Type::String, "", Some(text("")));
    check(Type::String, "null", Some(text("null")));
    check(Type::Bool, "true", Some(Val::Bool(true)));
    check(Type::Bool, "True", None);
    check(Type::Bool, " true", None);
    check(Type::U32, "20", Some(Val::U32(20)));
    check(Type::U32, "020", None);
    check(Type::U32, "+20", None);
    check(Type::U32, "-0", Some(Val::U32(0)));
    check(Type::U32, "", None);
    check(Type::S64, "-9223372036854775808", Some(Val::S64(i64::MIN)));
    check(Type::F64, "1.5e3", Some(Val::Float64(1500.0)));
    check(Type::F64, "inf", None);
    check(Type::F64, "1e-400", None);
    check(Type::Char, "ß", Some(Val::Char('ß')));
    check(colour(), "blue", Some(Val::Enum("blue".into())));
    check(option(Type::U32), "20", Some(some(Val::U32(20))));
    check(option(Type::U32), "", None);
    check(option(colour()), "green", None);
    check(list(Type::U16), "1", None);
    check(price(), "{}", None);
}

#[test]
fn arguments_are_the_members_of_one_object() {
    let parameters = Parameters::new(&[field("order-id", Type::String), field("limit", option(Type::U32))]);
    assert_eq!(parameters.decode(br#"{"orderId":"a"}"#), Ok(vec![text("a"), Val::Option(None)]));
    assert_eq!(parameters.decode(br#"{"limit":1}"#).unwrap_err().pointer, "/orderId");
    assert_eq!(parameters.decode(b"[]").unwrap_err().detail, "expected an object, found an array");
    let mut json = Vec::new();
    assert_eq!(parameters.encode(&[text("a"), some(Val::U32(1))], &mut json), Ok(()));
    assert_eq!(json, br#"{"orderId":"a","limit":1}"#);
    assert!(parameters.encode(&[text("a")], &mut json).is_err());
    assert_eq!(Parameters::new(&[]).decode(b"{}"), Ok(vec![]));
}
