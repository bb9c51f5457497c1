//! Any JSON, read as any type: it is refused, or is a value that survives being written and read again.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use switchyard::contract::{Case, Field, Flags, Name, Record, Type, Variant};
use switchyard::value::Codec;

const DEPTH_MAX: usize = 8;

fuzz_target!(|data: &[u8]| {
    let mut choices = data;
    let ty = any_type(&mut choices, DEPTH_MAX);
    let codec = Codec::new(&ty);
    if let Ok(text) = std::str::from_utf8(choices) {
        let _ = codec.decode_text(text);
    }
    match codec.decode(choices) {
        Ok(value) => {
            let mut json = Vec::new();
            codec.encode(&value, &mut json).expect("what was read can be written");
            assert_eq!(codec.decode(&json), Ok(value));
        }
        Err(error) => assert!(error.pointer.is_empty() || error.pointer.starts_with('/')),
    }
});

/// The type that the first bytes of `choices` choose; they are taken off. Bytes that run out choose the first one.
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
    Field { name: Name::new(&format!("f{place}")), ty, docs: "".into() }
}

fn case(place: u8, ty: Option<Type>) -> Case {
    Case { name: format!("c{place}").into(), ty, docs: "".into(), status: None, commits: false }
}
