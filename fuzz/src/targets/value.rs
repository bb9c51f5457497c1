//! Any JSON, read as any type: it is refused, or the value survives a write and another read.

use std::sync::Arc;

use switchyard::contract::{Case, Field, Flags, Name, Record, Type, Variant};
use switchyard::value::Codec;

use super::kind_of;
use crate::run::Target;

const DEPTH_MAX: usize = 8;

pub(crate) struct Value;

impl Target for Value {
    /// The bytes that choose a type, and a text of that type.
    fn corpus(&self) -> Vec<Vec<u8>> {
        let with = |choices: &[u8], text: &str| [choices, text.as_bytes()].concat();
        vec![
            with(&[0], "\"a\\u00e9\\ud83d\\ude00\""),
            with(&[1], "true"),
            with(&[8], "-9223372036854775808"),
            with(&[9], "1e18"),
            with(&[11], "1.5e-300"),
            with(&[12], "\"x\""),
            with(&[13, 7], "[1, 2, 4294967295]"),
            with(&[13, 3], "\"AAECAw==\""),
            with(&[14, 0, 2], "[\"a\",\"b\"]"),
            with(&[15, 2, 0, 1], "[\"a\",false]"),
            with(&[16, 16, 7], "{\"some\": null}"),
            with(&[17, 1, 0, 1, 7], "{\"ok\":\"x\"}"),
            with(&[18, 2, 0, 7, 1], "{\"f0\":\"a\",\"f1\":7,\"f2\":true}"),
            with(&[20, 1, 0, 0, 1, 7], "{\"c0\":\"a\"}"),
            with(&[21, 3], "[\"f0\",\"f2\"]"),
        ]
    }

    fn words(&self) -> &'static [&'static [u8]] {
        &[
            b"null",
            b"true",
            b"1e400",
            b"-0",
            b"1e-400",
            b"0.99999999999999999999",
            b"18446744073709551616",
            b"[[[[",
            b"{\"f0\":",
            b"\"\\ud800\"",
            b"\\u0000",
            b"NaN",
            b"{\"ok\":",
            b"{\"err\":",
            b"{\"c1\":",
            b"]",
            b"}",
            b",",
        ]
    }

    fn run(&mut self, input: &[u8]) -> String {
        let mut choices = input;
        let ty = any_type(&mut choices, DEPTH_MAX);
        let codec = Codec::new(&ty);
        if let Ok(text) = std::str::from_utf8(choices) {
            drop(codec.decode_text(text));
        }
        let kind = std::mem::discriminant(&ty);
        match codec.decode(choices) {
            Ok(value) => {
                let mut json = Vec::new();
                codec.encode(&value, &mut json).expect("what was read can be written");
                assert_eq!(codec.decode(&json), Ok(value), "{}", String::from_utf8_lossy(&json));
                format!("{kind:?} is read")
            }
            Err(error) => {
                assert!(error.pointer.is_empty() || error.pointer.starts_with('/'));
                format!("{kind:?} {}", kind_of(&error.to_string()))
            }
        }
    }
}

/// The type that the first bytes of `choices` choose; they are removed. When no bytes are left, the first type is
/// chosen.
fn any_type(choices: &mut &[u8], depth: usize) -> Type {
    let inner = |choices: &mut &[u8]| any_type(choices, depth.saturating_sub(1));
    match choose(choices, if depth == 0 { 13 } else { 22 }) {
        0 => Type::String,
        1 => Type::Bool,
        2 => Type::S8,
        3 => Type::U8,
        4 => Type::S16,
        5 => Type::U16,
        6 => Type::S32,
        7 => Type::U32,
        8 => Type::S64,
        9 => Type::U64,
        10 => Type::F32,
        11 => Type::F64,
        12 => Type::Char,
        13 => Type::List(Arc::new(inner(choices))),
        14 => Type::FixedList(Arc::new(inner(choices)), u32::from(choose(choices, 4))),
        15 => Type::Tuple((0..choose(choices, 4)).map(|_| inner(choices)).collect()),
        16 => Type::Option(Arc::new(inner(choices))),
        17 => {
            let mut payload = || (choose(choices, 2) > 0).then(|| Arc::new(inner(choices)));
            Type::Result { ok: payload(), err: payload() }
        }
        18 | 19 => {
            let fields = (0..1 + choose(choices, 4)).map(|place| field(place, inner(choices))).collect();
            Type::Record(Arc::new(Record { name: "r".into(), interface: "t:t/t".into(), docs: "".into(), fields }))
        }
        20 => {
            let mut payload = |_| (choose(choices, 2) > 0).then(|| inner(choices));
            let cases = (0..3).map(|place| case(place, payload(place))).collect();
            Type::Variant(Arc::new(Variant { name: "v".into(), interface: "t:t/t".into(), docs: "".into(), cases }))
        }
        _ => {
            let flags = (0..1 + choose(choices, 4)).map(|place| Name::new(&format!("f{place}"))).collect();
            Type::Flags(Arc::new(Flags { name: "f".into(), interface: "t:t/t".into(), docs: "".into(), flags }))
        }
    }
}

fn choose(choices: &mut &[u8], count: u8) -> u8 {
    match choices.split_first() {
        Some((first, rest)) => {
            *choices = rest;
            first % count
        }
        None => 0,
    }
}

fn field(place: u8, ty: Type) -> Field {
    Field::new(Name::new(&format!("f{place}")), ty)
}

fn case(place: u8, ty: Option<Type>) -> Case {
    Case { name: format!("c{place}").into(), ty, docs: "".into(), status: None, commits: false }
}
