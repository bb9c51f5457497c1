use super::*;

/// A function with this name.
pub(in crate::call::routing) fn function(name: &str) -> Function {
    Function::internal("test:turns/stock@1.0.0", name)
}

pub(in crate::call::routing) fn text(text: &str) -> Val {
    Val::String(text.into())
}

/// `reserve` with an order and lines.
fn order(order: &str, skus: &[&str]) -> [Val; 2] {
    let line = |sku: &&str| Val::Record(vec![("sku".into(), text(sku)), ("quantity".into(), Val::U32(1))]);
    [text(order), Val::List(skus.iter().map(line).collect())]
}

#[test]
fn the_longest_value_in_the_key_names_it_at_any_depth() {
    let check = |arguments: &[Val], key: &str, name: Option<&str>| {
        assert_eq!(Kind::of(&function("f"), &Texts::of(arguments), key).name.as_deref(), name, "{key}");
    };
    check(&order("o-1", &["tea", "cocoa"]), "stock/cocoa", Some("cocoa"));
    check(&order("o-1", &["SKU-1"]), "stock/SKU-1", Some("SKU-1"));
    check(&order("o-1", &["tea"]), "stock/coffee", None);
    check(&[Val::Option(Some(Box::new(text("tea"))))], "tea", Some("tea"));
    check(&[Val::Variant("of".into(), Some(Box::new(Val::Tuple(vec![text("tea")]))))], "stock/tea", Some("tea"));
    check(&[Val::Result(Err(Some(Box::new(Val::S64(-17)))))], "seat/-17", Some("-17"));
    check(&[Val::U64(17), Val::Bool(true), Val::Enum("seat".into())], "seat/17", Some("17"));
    check(&[text("")], "counter", None);
    check(&[text(&"a".repeat(KEY_BYTES_MAX + 1)), text("a")], "aa", Some("a"));
    check(&[], "counter", None);
}

#[test]
fn a_call_is_of_a_kind_if_it_is_of_the_function_and_has_the_name() {
    let (reserve, other) = (function("reserve"), function("other"));
    let kind = Kind::of(&reserve, &Texts::of(&order("o-1", &["tea"])), "stock/tea");
    assert!(kind.has(&reserve, &Texts::of(&order("o-2", &["cocoa", "tea"]))));
    assert!(!kind.has(&reserve, &Texts::of(&order("o-2", &["cocoa"]))), "it names another key");
    assert!(!kind.has(&reserve, &Texts::of(&order("o-2", &["tea-2"]))), "a longer name is another");
    assert!(!kind.has(&other, &Texts::of(&order("o-2", &["tea"]))));
    let elsewhere = Function { interface: "test:turns/other@1.0.0".into(), ..function("reserve") };
    assert!(!kind.has(&elsewhere, &Texts::of(&order("o-2", &["tea"]))));
}

#[test]
fn calls_that_name_no_key_are_of_one_kind_after_several_losses() {
    let release = function("release");
    let mut kind = Kind::of(&release, &Texts::of(&[text("o-1")]), "stock/tea");
    for _ in 1..UNNAMED_LOSSES_MIN {
        assert!(!kind.has(&release, &Texts::of(&[text("o-2")])));
        kind.lost_again();
    }
    assert!(kind.has(&release, &Texts::of(&[text("o-2")])));
}

#[test]
fn only_so_many_values_of_a_call_are_compared() {
    let mut values = vec![Val::Bool(true); VALUES_MAX];
    values.push(text("tea"));
    assert!(Kind::of(&function("f"), &Texts::of(&[Val::List(values.clone())]), "tea").is_unnamed());
    values.remove(0);
    values.remove(0);
    assert!(!Kind::of(&function("f"), &Texts::of(&[Val::List(values)]), "tea").is_unnamed());
}
