use super::*;

fn record(name: &str, role: Role, services: &[&str], token: &AdminToken) -> TokenRecord {
    let services = services.iter().map(|name| ServiceName::parse(name).expect("a name")).collect();
    TokenRecord { name: name.into(), role, services, hash: TokenRecord::of(token), created_at: 0 }
}

#[test]
fn a_token_finds_its_holder_and_no_other() {
    let [one, other, unknown] = [1, 2, 3].map(|byte| AdminToken::from_bits([byte; 32]));
    let tokens = [record("one", Role::Viewer, &[], &one), record("other", Role::Admin, &[], &other)];
    let name = |token: &AdminToken| find(&tokens, token.reveal().as_bytes()).map(|holder| holder.name);
    assert_eq!(name(&one).as_deref(), Some("one"));
    assert_eq!(name(&other).as_deref(), Some("other"));
    assert_eq!(name(&unknown), None);
    assert_eq!(find(&tokens, b""), None);
}

#[test]
fn a_role_bounds_what_its_holder_may_do() {
    let token = AdminToken::from_bits([1; 32]);
    let cart = ServiceName::parse("cart").expect("a name");
    let check = |role, services: &[&str], deploys: bool, admin: bool| {
        let holder = record("x", role, services, &token).holder();
        assert_eq!((holder.may_deploy(&cart), holder.is_admin()), (deploys, admin), "{role:?} {services:?}");
    };
    check(Role::Viewer, &[], false, false);
    check(Role::Viewer, &["cart"], false, false);
    check(Role::Deployer, &["cart"], true, false);
    check(Role::Deployer, &["payment"], false, false);
    check(Role::Deployer, &[], true, false);
    check(Role::Admin, &[], true, true);
}
