//! The owner of a bearer token: remembered, and asked for again as soon as it may have changed.

use std::sync::Arc;
use std::time::Duration;

use super::{Pair, SESSION_MS_MAX};

/// Whom `token` belongs to, and how many runs of `back` it took to know.
async fn authenticate(pair: &Pair, token: &str) -> (Option<String>, u64) {
    let runs = || {
        let figures = pair.back.service.figures();
        figures.calls - figures.reused
    };
    let before = runs();
    let identity = pair.authenticate(token).await.unwrap();
    let identity = identity.map(|who| format!("{}/{}/{}", who.id, who.role, who.session.unwrap_or_default()));
    (identity, runs() - before)
}

async fn signed_in(who: &str) -> Arc<Pair> {
    let pair = Pair::new();
    pair.back(&format!("set session/t1 {who}; set other 1")).await;
    pair
}

fn anna() -> Option<String> {
    Some("anna/customer/t1".into())
}

#[tokio::test]
async fn the_owner_of_a_token_is_remembered_while_nothing_changes_that_was_read() {
    let pair = signed_in("anna customer").await;
    assert_eq!(authenticate(&pair, "t1").await, (anna(), 1));
    for _ in 0..3 {
        pair.back("add other").await;
        assert_eq!(authenticate(&pair, "t1").await, (anna(), 0));
    }
}

#[tokio::test]
async fn a_sign_out_takes_effect_at_once() {
    let pair = signed_in("anna customer").await;
    authenticate(&pair, "t1").await;
    pair.back("delete session/t1").await;
    assert_eq!(authenticate(&pair, "t1").await, (None, 1));
}

#[tokio::test]
async fn a_sign_in_takes_effect_at_once_and_so_does_another_role() {
    let pair = Pair::new();
    assert_eq!(authenticate(&pair, "t1").await, (None, 1));
    pair.back("set session/t1 anna customer").await;
    assert_eq!(authenticate(&pair, "t1").await, (anna(), 1));
    pair.back("set session/t1 anna staff").await;
    assert_eq!(authenticate(&pair, "t1").await, (Some("anna/staff/t1".into()), 1));
}

#[tokio::test]
async fn the_owner_of_a_token_is_asked_for_again_after_a_while_if_that_depends_on_the_time() {
    let pair = signed_in("anna customer").await;
    pair.back("set session/timed anna customer").await;
    let timed = || Some("anna/customer/timed".into());
    for (token, owner) in [("t1", anna()), ("timed", timed())] {
        assert_eq!(authenticate(&pair, token).await, (owner.clone(), 1), "{token}");
        assert_eq!(authenticate(&pair, token).await, (owner, 0), "{token}");
    }
    tokio::time::sleep(Duration::from_millis(SESSION_MS_MAX)).await;
    assert_eq!(authenticate(&pair, "timed").await, (timed(), 1));
    assert_eq!(authenticate(&pair, "t1").await, (anna(), 0));
}

#[tokio::test]
async fn the_next_release_is_asked_again() {
    let pair = signed_in("anna customer").await;
    authenticate(&pair, "t1").await;
    let members = [pair.front.release(&pair.runtime, "1"), pair.back.release(&pair.runtime, "2")];
    pair.begin_on(members);
    assert_eq!(authenticate(&pair, "t1").await, (anna(), 1));
    assert_eq!(authenticate(&pair, "t1").await, (anna(), 0));
}

#[tokio::test]
async fn no_component_makes_anybody_the_operator() {
    let pair = signed_in("anna operator").await;
    assert_eq!(authenticate(&pair, "t1").await.0, None);
}

#[tokio::test]
async fn a_service_that_cannot_authenticate_is_an_error_and_not_an_unknown_token() {
    let pair = Pair::with(|_, back| (back.circuit_failures, back.circuit_open_ms) = (1, 60_000));
    pair.back("panic why").await;
    let answer = pair.authenticate("t1").await;
    assert!(answer.is_err(), "{answer:?}");
}
