use super::*;

const SCOPE: RequestScope<'_> =
    RequestScope { caller: "ann", client: b"home", path_has_secret: false, method: "POST", path: "/carts/1/checkout" };

fn key(scope: RequestScope<'_>, key: &str, argument: &str) -> RequestKey {
    RequestKey::new(scope, key, &[Val::String(argument.into())])
}

#[test]
fn a_key_is_scoped_to_caller_method_and_path() {
    let first = key(SCOPE, "k", "a");
    let same = |other: RequestKey, id: bool, request: bool| {
        assert_eq!((first.id() == other.id(), first.check == other.check), (id, request), "{other:?}");
    };
    same(key(SCOPE, "k", "a"), true, true);
    same(key(SCOPE, "k", "b"), true, false);
    same(key(SCOPE, "l", "a"), false, false);
    same(key(RequestScope { caller: "bob", ..SCOPE }, "k", "a"), false, false);
    same(key(RequestScope { method: "PUT", ..SCOPE }, "k", "a"), false, false);
    same(key(RequestScope { path: "/carts/2/checkout", ..SCOPE }, "k", "a"), false, false);
    same(key(RequestScope { caller: "an", method: "nPOST", ..SCOPE }, "k", "a"), false, false);
    same(key(RequestScope { client: b"work", ..SCOPE }, "k", "a"), true, true);
}

#[test]
fn the_key_of_one_guest_is_not_that_of_another() {
    let guest = |client| key(RequestScope { caller: "", client, ..SCOPE }, "1", "a");
    assert_eq!(guest(b"home"), guest(b"home"));
    assert_ne!(guest(b"home").id(), guest(b"work").id());
    assert!(guest(b"home").is_guest && !key(SCOPE, "1", "a").is_guest);
    assert_ne!(guest(b"home").client, guest(b"work").client);
}
