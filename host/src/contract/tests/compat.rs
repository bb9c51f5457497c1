//! Compatibility: what is said of a candidate beside the live release, its callers and its callees.

use super::component;
use crate::contract::{Bump, Compatibility, Level, Neighbour, Surface};
use crate::names::ServiceName;

/// A shop of three services: `web` calls `cart`, and `cart` calls `payment` and emits what `web` hears.
const SHOP: &str = "
    package a:shop@1.0.0;

    interface types {
        record money { amount: s64, currency: string }
        variant problem { not-found(string), gone }
    }
    interface cart {
        use types.{money, problem};
        record line { sku: string, quantity: u32 }
        add: func(id: string, line: line) -> result<money, problem>;
        total: func(id: string) -> option<money>;
    }
    interface payment {
        use types.{money};
        charge: func(order: string, amount: money) -> result<string>;
        refund: func(order: string);
    }
    interface events { changed: func(id: string); }
    interface extra { f: func(); }

    world cart-service { import payment; import events; export cart; }
    world web-service { import cart; export events; }
    world payment-service { export payment; }
";

/// The surface of `world`, where the shop's WIT has `to` in the place of `from`.
#[track_caller]
fn edited(world: &str, edits: &[(&str, &str)]) -> Surface {
    let text = edits.iter().fold(SHOP.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in the shop");
        text.replace(from, to)
    });
    Surface::read(&component(&[&text], world)).expect("it is a component")
}

/// Judges the cart with the edits among the other services as they are.
#[track_caller]
fn judged(edits: &[(&str, &str)]) -> Compatibility {
    let (web, payment) = (edited("web-service", &[]), edited("payment-service", &[]));
    let names = ["web", "payment"].map(|name| ServiceName::parse(name).expect("it is a name"));
    let neighbours = names.iter().zip([&web, &payment]);
    let neighbours = neighbours.map(|(service, surface)| Neighbour { service, surface });
    Compatibility::judge(&edited("cart-service", &[]), &edited("cart-service", edits), neighbours)
}

/// The cart with the edits gets this judgement, as people read it.
#[track_caller]
fn check(edits: &[(&str, &str)], level: Level, bump: Bump, text: &str) {
    let found = judged(edits);
    assert_eq!((found.level, found.bump), (level, bump), "\n{found}");
    let lines = |text: &str| text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let found = found.to_string();
    // The first two lines are those of the level and the bump.
    let body: Vec<_> = found.lines().skip(2).collect();
    assert_eq!(lines(&body.join("\n")), lines(text), "\n{found}");
}

#[test]
fn the_same_contract_is_a_drop_in() {
    check(&[], Level::DropIn, Bump::None, "");
    check(&[("@1.0.0", "@1.4.2")], Level::DropIn, Bump::None, "");
}

#[test]
fn a_candidate_that_exports_more_is_a_drop_in() {
    check(
        &[("add: func", "drop: func(id: string); add: func"), ("export cart;", "export cart; export extra;")],
        Level::DropIn,
        Bump::Minor,
        "exports more:
           a:shop/extra@1.0.0
           a:shop/cart@1.0.0 · drop",
    );
    check(
        &[("record line", "enum mood { good, bad } record line")],
        Level::DropIn,
        Bump::Minor,
        "exports more:\na:shop/cart@1.0.0 · type mood",
    );
}

#[test]
fn a_candidate_that_asks_for_less_is_a_drop_in() {
    check(
        &[("refund: func(order: string);", ""), ("import events;", "")],
        Level::DropIn,
        Bump::Patch,
        "asks for less:
           a:shop/events@1.0.0
           a:shop/payment@1.0.0 · refund",
    );
}

#[test]
fn a_changed_function_breaks_its_callers_alone() {
    check(
        &[("total: func(id: string) -> option<money>", "total: func(id: string) -> money")],
        Level::Breaking,
        Bump::Major,
        "changed:
           a:shop/cart@1.0.0 · total · result
             live:      option<money>
             candidate: money
         web does not fit:
           a:shop/cart@1.0.0 · total · result
             expected: option<money>
             found:    money",
    );
}
