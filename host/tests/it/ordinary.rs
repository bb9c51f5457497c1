//! What a component gets from the host, seen from inside a component.

use switchyard::runtime::{Failure, Frame};
use wasmtime::component::Val;

use crate::guest::{Guest, Peer, limits, runtime};

fn text(text: &str) -> Val {
    Val::String(text.into())
}

fn texts(value: Option<Val>) -> Vec<String> {
    let Some(Val::List(items)) = value else { panic!("no list: {value:?}") };
    items
        .into_iter()
        .map(|item| if let Val::String(text) = item { text } else { panic!("no text: {item:?}") })
        .collect()
}

#[tokio::test]
async fn a_function_answers_with_its_result() {
    let guest = Guest::new(&runtime(1), limits());
    assert_eq!(guest.run("echo", &[text("ahoy")]).await.unwrap(), Some(text("ahoy")));
}

#[tokio::test]
async fn the_caller_and_the_environment_are_what_the_frame_and_the_manifest_say() {
    let guest = Guest::new(&runtime(1), limits());
    assert_eq!(guest.run("caller", &[]).await.unwrap(), Some(text("anna/customer cart")));
    let greeting = guest.run("environment", &[text("GREETING")]).await.unwrap();
    assert_eq!(greeting, Some(Val::Option(Some(Box::new(text("hello"))))));
    assert_eq!(guest.run("environment", &[text("PATH")]).await.unwrap(), Some(Val::Option(None)));
}

#[tokio::test]
async fn the_host_gives_time_random_bytes_and_ids_that_are_the_same_in_every_run_of_one_call() {
    let guest = Guest::new(&runtime(1), limits());
    let first = guest.run("drawn", &[text("ord")]).await.unwrap();
    assert_eq!(first, guest.run("drawn", &[text("ord")]).await.unwrap());
    let Some(Val::Tuple(drawn)) = first else { panic!("{first:?}") };
    assert_eq!(drawn[0], Val::U64(1_700_000_000_000_000));
    let [Val::List(bytes), Val::String(one), Val::String(other)] = &drawn[1..] else { panic!("{drawn:?}") };
    assert_eq!((bytes.len(), one.len(), one.starts_with("ord_")), (4, 30, true), "{one}");
    assert_ne!(one, other);
    for prefix in ["", "a b", "a_b", "ä", "longer-than-it-may-be"] {
        let failed = guest.run("drawn", &[text(prefix)]).await;
        assert!(matches!(&failed, Err(Failure::Trap { message, .. }) if message.contains("prefix")), "{failed:?}");
    }
}

#[tokio::test]
async fn time_and_randomness_are_the_same_in_every_run_of_one_call() {
    let guest = Guest::new(&runtime(1), limits());
    let first = guest.run("fixed", &[]).await.unwrap();
    assert_eq!(first, guest.run("fixed", &[]).await.unwrap());
    let Some(Val::Tuple(fixed)) = first else { panic!("{first:?}") };
    assert_eq!(fixed[0], Val::U64(1_700_000_000_000_000));

    let other = async |function, arguments: &[Val]| {
        let frame = Frame { seed: [8; 32], ..guest.frame(Peer::Breaks) };
        guest.finish(function, arguments, frame).await.result.unwrap()
    };
    // All calls that only read have the same seed of hash tables. What a guest draws is different in each.
    assert!(matches!(other("fixed", &[]).await, Some(Val::Tuple(other)) if other[1] == fixed[1]));
    let drawn = guest.run("drawn", &[text("ord")]).await.unwrap();
    let (Some(Val::Tuple(drawn)), Some(Val::Tuple(others))) = (drawn, other("drawn", &[text("ord")]).await) else {
        panic!("not two tuples")
    };
    assert_ne!(drawn[1..], others[1..]);
}

#[tokio::test]
async fn a_sleep_ends_and_the_guest_sees_that_it_did() {
    let guest = Guest::new(&runtime(1), limits());
    assert_eq!(guest.run("nap", &[Val::U32(3)]).await.unwrap(), Some(Val::U64(3)));
}

#[tokio::test]
async fn another_services_answer_and_its_refusal_reach_the_guest() {
    let guest = Guest::new(&runtime(1), limits());
    let refusal = Val::Variant("unavailable".into(), Some(Box::new(text("down"))));
    for answer in [Val::Result(Ok(Some(Box::new(text("yes"))))), Val::Result(Err(Some(Box::new(refusal))))] {
        let frame = guest.frame(Peer::Answers(answer.clone()));
        let finished = guest.finish("ask", &[text("well?")], frame).await;
        assert_eq!(finished.result.unwrap(), Some(answer));
    }
}

#[tokio::test]
async fn files_and_sockets_are_not_there() {
    let guest = Guest::new(&runtime(1), limits());
    assert_eq!(texts(guest.run("reach-out", &[]).await.unwrap()), ["true", "true", "true"]);
}

#[tokio::test]
async fn what_a_call_wrote_is_there_for_the_next() {
    let guest = Guest::new(&runtime(1), limits());
    let value = Val::List(b"milk".iter().map(|byte| Val::U8(*byte)).collect());
    for key in ["cart/2", "cart/1", "other"] {
        guest.commit("set", &[text(key), value.clone()]).await;
    }
    assert_eq!(guest.run("get", &[text("cart/1")]).await.unwrap(), Some(Val::Option(Some(Box::new(value)))));
    assert_eq!(guest.run("get", &[text("cart/3")]).await.unwrap(), Some(Val::Option(None)));
    assert_eq!(texts(guest.run("keys", &[text("cart/")]).await.unwrap()), ["cart/1", "cart/2"]);
}

#[tokio::test]
async fn an_event_is_in_the_transaction_with_its_parameters_as_json() {
    let guest = Guest::new(&runtime(1), limits());
    let finished = guest.finish("emit", &[text("rain")], guest.frame(Peer::Breaks)).await;
    assert!(finished.result.is_ok());
    assert_eq!(finished.transaction.events(), 1);
}

#[tokio::test]
async fn wasi_keyvalue_reads_and_writes_the_same_store() {
    let guest = Guest::new(&runtime(1), limits());
    let found = texts(guest.commit("keyvalue", &[]).await);
    let expected = [
        "other bucket: Some(Error::NoSuchStore)",
        "empty: Ok(None)",
        "set: Ok(())",
        "increment: Ok(42)",
        "increment new: Ok(-5)",
        "exists: Ok(true)",
        "set many: Ok(())",
        "get many: Ok([Some((\"b\", [120])), None])",
        "keys: Ok([\"a\", \"b\", \"n\"])",
        "delete: Ok(())",
        "swapped: Ok(Some([52, 50])) Ok(()) Ok(Some([99, 104, 97, 110, 103, 101, 100])) true",
        "no key: true",
    ];
    assert_eq!(found, expected);
    assert_eq!(texts(guest.run("keys", &[text("")]).await.unwrap()), ["a", "n"]);
}
