use wasmtime::component::Val;

use super::*;
use crate::call::durability::request_key::RequestScope;

fn key(key: &str, argument: &str) -> RequestKey {
    let scope = RequestScope {
        caller: "ann",
        client: b"home",
        path_has_secret: false,
        method: "POST",
        path: "/carts/1/checkout",
    };
    RequestKey::new(scope, key, &[Val::String(argument.into())])
}

#[test]
fn requests_with_one_key_run_one_after_the_other() {
    let claims = Claims::default();
    let (first, other) = (key("k", "a"), key("k", "b"));
    let Ok(ClaimResult::Granted(claim)) = claims.claim(&first) else { panic!("nobody runs") };
    let Ok(ClaimResult::Running(ended)) = claims.claim(&first) else { panic!("one runs") };
    assert!(matches!(claims.claim(&other), Err(KeyReused)));
    assert!(ended.has_changed().is_ok(), "it has not ended");
    drop(claim);
    assert!(ended.has_changed().is_err(), "it has ended");
    assert!(matches!(claims.claim(&other), Ok(ClaimResult::Granted(_))));
}
