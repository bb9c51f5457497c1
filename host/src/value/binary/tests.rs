use proptest::prelude::*;

use super::*;
use crate::value::tests::arbitrary::{any_type, any_value};

fn typed() -> impl Strategy<Value = (Type, Val)> {
    any_type().prop_flat_map(|ty| any_value(&ty).prop_map(move |value| (ty.clone(), value)))
}

fn bytes(value: &Val) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_payload(Some(value), &mut bytes);
    bytes
}

proptest! {
    #[test]
    fn a_value_reads_as_it_was_written((ty, value) in typed()) {
        let written = bytes(&value);
        let read = read_payload(Some(&ty), &written).expect("it was just written");
        prop_assert_eq!(bytes(&read.expect("a value")), written);
    }

    #[test]
    fn bytes_that_are_cut_are_no_value((ty, value) in typed(), cut: prop::sample::Index) {
        let written = bytes(&value);
        let (short, _rest) = written.split_at(cut.index(written.len()));
        prop_assert_eq!(read_payload(Some(&ty), short), Err(BinaryError));
    }

    #[test]
    fn any_bytes_are_read_or_refused(ty in any_type(), bytes: Vec<u8>) {
        let _read = read_payload(Some(&ty), &bytes);
    }
}
