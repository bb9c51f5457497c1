use std::sync::Arc;

use super::*;
use crate::contract::{Name, Record};

fn field(name: &str, ty: Type) -> Field {
    Field::new(Name::new(name), ty)
}

fn record(fields: Vec<Field>) -> Type {
    let (name, interface, docs) = ("r".into(), "i".into(), "".into());
    Type::Record(Arc::new(Record { name, interface, docs, fields }))
}

#[test]
fn the_sets_have_small_plausible_and_extreme_values() {
    let price = record(vec![field("amount", Type::S64), field("currency", Type::String)]);
    let parameters = [field("account-id", Type::String), field("prices", Type::List(Arc::new(price)))];
    let price = |amount, currency: &str| {
        Val::Record(vec![("amount".into(), Val::S64(amount)), ("currency".into(), Val::String(currency.into()))])
    };
    let check = |choice, id: &str, prices: Vec<Val>| {
        let expected = vec![Val::String(id.into()), Val::List(prices)];
        assert_eq!(arguments(&parameters, choice), Some(expected), "{choice:?}");
    };
    check(Choice::Minimal, "smoke", vec![]);
    check(Choice::Plausible, "smoke-1", vec![price(1, "EUR")]);
    check(Choice::Largest, "", vec![price(i64::MAX, ""), price(i64::MAX, "")]);
    check(Choice::Odd, ODD_TEXT, vec![price(i64::MIN, ODD_TEXT)]);
}

#[test]
fn a_value_of_very_many_parts_is_not_generated() {
    let huge = [field("bytes", Type::FixedList(Arc::new(Type::U8), u32::MAX))];
    let mut twice = Type::U8;
    for _ in 0..40 {
        twice = record(vec![field("one", twice.clone()), field("other", twice)]);
    }
    for choice in CHOICES {
        assert_eq!(arguments(&huge, choice), None);
        assert_eq!(arguments(&[field("twice", twice.clone())], choice), None);
    }
}
