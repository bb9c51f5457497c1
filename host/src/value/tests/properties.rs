//! No value is lost, and no wrong JSON is accepted as a value.

use proptest::prelude::*;
use serde_json::Value as Json;
use wasmtime::component::Val;

use super::arbitrary::{any_type, any_value};
use crate::contract::{Field, Name, Type};
use crate::value::{Codec, Parameters};

fn any_typed() -> impl Strategy<Value = (Type, Val)> {
    any_type().prop_flat_map(|ty| any_value(&ty).prop_map(move |value| (ty.clone(), value)))
}

fn encode(codec: &Codec, value: &Val) -> Vec<u8> {
    let mut json = Vec::new();
    codec.encode(value, &mut json).expect("the value is of the type");
    json
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_value_of_any_type_comes_back_unchanged((ty, value) in any_typed()) {
        let codec = Codec::new(&ty);
        let json = encode(&codec, &value);
        prop_assert_eq!(codec.decode(&json), Ok(value), "{}", String::from_utf8_lossy(&json));
    }

    #[test]
    fn a_reader_that_knows_only_binary64_numbers_loses_nothing((ty, value) in any_typed()) {
        let codec = Codec::new(&ty);
        let json: Json = serde_json::from_slice(&encode(&codec, &value)).expect("it is JSON");
        prop_assert_eq!(codec.decode(&serde_json::to_vec(&as_javascript_has_it(json)).unwrap()), Ok(value));
    }

    #[test]
    fn arguments_come_back_unchanged(typed in proptest::collection::vec(any_typed(), 0..4)) {
        let field = |(place, (ty, _)): (usize, &(Type, Val))| {
            Field::new(Name::new(&format!("parameter-{place}")), ty.clone())
        };
        let parameters = Parameters::new(&typed.iter().enumerate().map(field).collect::<Vec<_>>());
        let arguments: Vec<_> = typed.into_iter().map(|(_, value)| value).collect();
        let mut json = Vec::new();
        prop_assert_eq!(parameters.encode(&arguments, &mut json), Ok(()));
        prop_assert_eq!(parameters.decode(&json), Ok(arguments));
    }

    #[test]
    fn truncated_json_is_refused((ty, value) in any_typed(), place in any::<prop::sample::Index>()) {
        let codec = Codec::new(&ty);
        let json = encode(&codec, &value);
        // A number without its last digits is still a number.
        prop_assume!(!json.last().is_some_and(u8::is_ascii_digit));
        prop_assert!(codec.decode(&json[..place.index(json.len())]).is_err());
    }

    #[test]
    fn damaged_json_is_refused_or_is_another_value(
        (ty, value) in any_typed(), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let codec = Codec::new(&ty);
        let mut json = encode(&codec, &value);
        *place.get_mut(&mut json) = byte;
        if let Ok(other) = codec.decode(&json) {
            prop_assert_eq!(codec.decode(&encode(&codec, &other)), Ok(other));
        }
    }

    #[test]
    fn the_pointer_of_an_error_leads_to_what_was_changed(
        (ty, value) in any_typed(), choice in any::<prop::sample::Index>(),
    ) {
        let codec = Codec::new(&ty);
        let mut json: Json = serde_json::from_slice(&encode(&codec, &value)).unwrap();
        let mut leaves = Vec::new();
        pointers(&json, String::new(), &mut leaves);
        let pointer = choice.get(&leaves).clone();
        // No type has this member: every record and variant refuses it.
        *json.pointer_mut(&pointer).unwrap() = serde_json::json!({ "not/of~any": 1 });
        let error = codec.decode(&serde_json::to_vec(&json).unwrap()).unwrap_err();
        let escaped = format!("{pointer}/not~1of~0any");
        prop_assert!(error.pointer == pointer || error.pointer == escaped, "{error:?}, not {pointer}");
    }

    #[test]
    fn no_bytes_do_harm(ty in any_type(), json in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Codec::new(&ty).decode(&json);
    }

    #[test]
    fn no_text_does_harm(ty in any_type(), text in any::<String>()) {
        let _ = Codec::new(&ty).decode_text(&text);
    }

    #[test]
    fn a_value_of_another_type_is_refused_or_encoded_whole((ty, _) in any_typed(), (_, value) in any_typed()) {
        let mut json = b"before".to_vec();
        match Codec::new(&ty).encode(&value, &mut json) {
            Ok(()) => prop_assert!(serde_json::from_slice::<Json>(&json[6..]).is_ok()),
            Err(_) => prop_assert_eq!(json, b"before"),
        }
    }
}

/// Turns every number into a binary64 one.
fn as_javascript_has_it(json: Json) -> Json {
    match json {
        Json::Number(number) => {
            let float = number.as_f64().expect("every number is near a float");
            // JavaScript writes whole numbers without a fraction, like `Display`.
            serde_json::from_str(&float.to_string()).expect("a finite float is written as JSON has it")
        }
        Json::Array(items) => items.into_iter().map(as_javascript_has_it).collect(),
        Json::Object(members) => members.into_iter().map(|(name, value)| (name, as_javascript_has_it(value))).collect(),
        other => other,
    }
}

/// The pointers of all values in `json`.
fn pointers(json: &Json, at: String, all: &mut Vec<String>) {
    match json {
        Json::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                pointers(item, format!("{at}/{place}"), all);
            }
        }
        Json::Object(members) => {
            for (name, value) in members {
                pointers(value, format!("{at}/{name}"), all);
            }
        }
        _ => {}
    }
    all.push(at);
}
