use std::sync::Arc;

use super::*;
use crate::contract::{Case, Field, Name, Record, Variant};

fn record(fields: &[(&str, Type, bool)]) -> Type {
    let field =
        |(name, ty, opaque): &(&str, Type, bool)| Field { opaque: *opaque, ..Field::new(Name::new(name), ty.clone()) };
    let (name, interface, docs) = ("r".into(), "i".into(), "".into());
    Type::Record(Arc::new(Record { name, interface, docs, fields: fields.iter().map(field).collect() }))
}

fn record_of(values: &[(&str, Val)]) -> Val {
    Val::Record(values.iter().map(|(name, value)| ((*name).into(), value.clone())).collect())
}

fn text(text: &str) -> Val {
    Val::String(text.into())
}

fn list(items: &[Val]) -> Val {
    Val::List(items.to_vec())
}

fn option(value: Option<Val>) -> Val {
    Val::Option(value.map(Box::new))
}

fn numbers() -> Type {
    Type::List(Arc::new(Type::U32))
}

#[test]
fn the_first_difference_of_two_values_has_its_place_and_no_texts() {
    let check = |ty: &Type, one: Val, other: Val, expected: (&str, &str, &str)| {
        let (path, first, second) = first_difference(Some(ty), Some(&one), Some(&other));
        assert_eq!((path.as_str(), first.as_str(), second.as_str()), expected, "{one:?} {other:?}");
    };
    let of = |value: Val| record_of(&[("a", value)]);
    let a = record(&[("a", numbers(), false)]);
    check(&a, of(list(&[Val::U32(1), Val::U32(2)])), of(list(&[Val::U32(1), Val::U32(3)])), ("/a/1", "2", "3"));
    check(&a, of(list(&[])), of(list(&[Val::U32(1)])), ("/a", "0 items", "1 items"));
    let b = record(&[("is-new", Type::Option(Arc::new(Type::String)), false)]);
    let some = record_of(&[("is-new", option(Some(text("secret"))))]);
    check(&b, record_of(&[("is-new", option(None))]), some, ("/isNew", "nothing", "a text of 6 characters"));
    check(&Type::String, text("anna"), text("anni"), ("", "a text of 4 characters", "a text of 4 characters"));
    check(&Type::List(Arc::new(Type::U8)), list(&[Val::U8(1)]), list(&[Val::U8(2)]), ("", "1 items", "1 items"));
    let case = |name: &str, ty| Case { name: name.into(), ty, docs: "".into(), status: None, commits: false };
    let cases = vec![case("a/b", Some(Type::U32)), case("none", None)];
    let variant = Type::Variant(Arc::new(Variant { name: "v".into(), interface: "i".into(), docs: "".into(), cases }));
    let a = |number| Val::Variant("a/b".into(), Some(Box::new(Val::U32(number))));
    check(&variant, a(1), a(2), ("/a~1b", "1", "2"));
    check(&variant, a(1), Val::Variant("none".into(), None), ("", "a/b", "none"));
}

#[test]
fn of_an_opaque_field_only_the_presence_counts() {
    let ty = record(&[("id", Type::String, true), ("note", Type::Option(Arc::new(Type::String)), true)]);
    let value = |id: &str, note: Option<&str>| record_of(&[("id", text(id)), ("note", option(note.map(text)))]);
    let check = |one: Val, other: Val, expected: Option<&str>| {
        let found = first_visible_difference(Some(&ty), Some(&one), Some(&other));
        assert_eq!(found.as_ref().map(|(path, ..)| path.as_str()), expected, "{one:?} {other:?}");
    };
    check(value("a", None), value("b", None), None);
    check(value("a", Some("x")), value("b", Some("y")), None);
    check(value("a", None), value("a", Some("x")), Some("/note"));
    check(value("a", None), value("", None), Some("/id"));
    // A copy of data is compared exactly.
    let (path, ..) = first_difference(Some(&ty), Some(&value("a", None)), Some(&value("b", None)));
    assert_eq!(path, "/id");
    let list_ty = Type::List(Arc::new(ty.clone()));
    let both = list(&[value("a", Some("x")), value("b", None)]);
    let mut found = Vec::new();
    opaque_texts(Some(&list_ty), Some(&both), &mut |text| found.push(text));
    assert_eq!(found, ["a", "x", "b"]);
}

#[test]
fn all_different_places_are_listed_once_and_say_whether_something_is_lost() {
    let item = record(&[("price", Type::U32, false), ("image", Type::Option(Arc::new(Type::String)), false)]);
    let ty = record(&[("items", Type::List(Arc::new(item)), false), ("tags", numbers(), false)]);
    let item =
        |price, image: Option<&str>| record_of(&[("price", Val::U32(price)), ("image", option(image.map(text)))]);
    let page = |items: &[Val], tags: &[Val]| record_of(&[("items", list(items)), ("tags", list(tags))]);
    let check = |one: Val, other: Val, expected: &[(&str, bool)]| {
        let found = different_places(Some(&ty), Some(&one), Some(&other));
        let found: Vec<_> = found.iter().map(|place| (place.path.as_str(), place.is_lost)).collect();
        assert_eq!(found, expected, "{one:?} {other:?}");
    };
    let one = page(&[item(1, Some("a")), item(2, None)], &[Val::U32(1)]);
    check(one.clone(), one.clone(), &[]);
    let other = page(&[item(3, None), item(4, None)], &[Val::U32(1), Val::U32(2)]);
    check(one.clone(), other, &[("/items/*/price", false), ("/items/*/image", false), ("/tags", false)]);
    check(one, page(&[], &[Val::U32(1)]), &[("/items", true)]);
    check(page(&[], &[]), page(&[item(1, None)], &[]), &[("/items", false)]);
}
