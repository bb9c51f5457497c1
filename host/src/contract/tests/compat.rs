//! Compatibility: what is said of a candidate beside the live release, its callers and its callees.

use super::shop::{Edit, judged, surface};
use crate::contract::{Bump, Level};

/// The cart with the edits gets this judgement, as people read it.
#[track_caller]
fn check(edits: &[Edit<'_>], level: Level, bump: Bump, text: &str) {
    let (web, payment) = (surface("web-service", &[]), surface("payment-service", &[]));
    let found = judged(&surface("cart-service", edits), &[("web", &web), ("payment", &payment)]);
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
        &[("total: func", "drop: func(id: string); total: func"), ("export cart;", "export cart; export extra;")],
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
