use wasmtime::component::Val;

use super::*;
use crate::call::durability::request_key::RequestScope;

fn key(argument: &str) -> RequestKey {
    let scope =
        RequestScope { caller: "ann", client: b"home", path_has_secret: false, method: "POST", path: "/sessions" };
    RequestKey::new(scope, "k", &[Val::String(argument.into())])
}

fn sealer(secret: u8) -> Sealer {
    Sealer::new(&HostSecret::new([secret; 32]))
}

#[test]
fn an_answer_opens_for_the_same_request_on_the_same_host_alone() {
    let stored = sealer(1).seal(&key("a"), b"the token").unwrap();
    assert!(!stored.windows(5).any(|window| window == b"token"));
    assert_eq!(sealer(1).open(&key("a"), &stored), Ok(b"the token".to_vec()));
    assert_eq!(sealer(1).open(&key("b"), &stored), Err(NotOpened::OtherRequest));
    assert_eq!(sealer(2).open(&key("a"), &stored), Err(NotOpened::Damaged));
    assert_eq!(sealer(1).open(&key("a"), b"short"), Err(NotOpened::Damaged));
}

#[test]
fn every_flipped_bit_is_detected() {
    let stored = sealer(1).seal(&key("a"), b"the token").unwrap();
    for bit in 0..stored.len() * 8 {
        let mut flipped = stored.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(sealer(1).open(&key("a"), &flipped), Err(NotOpened::Damaged), "bit {bit}");
    }
}

#[test]
fn one_answer_is_never_sealed_twice_in_the_same_way() {
    let seal = || sealer(1).seal(&key("a"), b"the token").unwrap();
    assert_ne!(seal(), seal());
}

#[test]
fn a_request_key_holds_nothing_that_opens_an_answer() {
    // Everything on the disk about a key, besides the sealed answer.
    let on_disk = serde_json::to_string(&key("a")).unwrap();
    let read: RequestKey = serde_json::from_str(&on_disk).unwrap();
    let stored = sealer(1).seal(&key("a"), b"the token").unwrap();
    let guesses = [[0; 32], std::array::from_fn(|at| [read.id, read.check].concat()[at])];
    for guess in guesses {
        let other = Sealer::new(&HostSecret::new(guess));
        assert_eq!(other.open(&read, &stored), Err(NotOpened::Damaged));
    }
}
