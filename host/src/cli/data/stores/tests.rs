use serde_json::json;

use super::*;
use crate::cli::arguments::Command;
use crate::cli::client::fake_host::{FakeHost, lines, parsed};

fn stores() -> serde_json::Value {
    json!({"items": [{"service": "cart", "bytes": 2048, "platformBytes": 1536, "inUse": true}, {"service": "blog", "bytes": 7, "inUse": false}]})
}

#[test]
fn stores_are_a_table() {
    let Command::Stores(command) = parsed("switchyard stores") else { panic!("stores") };
    let (outcome, seen) = FakeHost::new().answer(200, stores()).run(|target| list(target, &command));
    let expected = "\
SERVICE    STORE  OF CALLS  STATE
cart     2.0 KiB   1.5 KiB  in use
blog         7 B       0 B  kept: its service was removed";
    assert_eq!((outcome.expect("a table").as_str(), lines(&seen)), (expected, vec!["GET /stores"]));
}

#[test]
fn a_store_is_deleted_only_when_that_is_confirmed() {
    let check = |service: &str, yes: bool, said: Result<&str, &str>, asked: &[&str]| {
        let Command::Drop(command) = parsed(&format!("switchyard drop {service}")) else { panic!("drop") };
        let (outcome, seen) = FakeHost::new().answer(200, stores()).raw("HTTP/1.1 204 -\r\n\r\n").run(|target| {
            drop_store(target, &command, |question| match yes {
                true => Ok(()),
                false => Err(Failure::text(Kind::Refused, question)),
            })
        });
        let outcome = outcome.map_err(|failure| failure.to_string());
        assert_eq!(outcome.as_deref().map_err(String::as_str), said);
        assert_eq!(lines(&seen), asked);
    };
    let both = ["GET /stores", "DELETE /stores/blog"];
    check("blog", true, Ok("the store of blog (7 B) is deleted"), &both);
    check("blog", false, Err("error: Delete the store of blog (7 B) for good?"), &both[..1]);
    let in_use = "error: cart is in use: its store stays\nFirst remove the service from the manifest and run `switchyard apply`.";
    check("cart", true, Err(in_use), &both[..1]);
    let none = "error: there is no store of shop\n`switchyard stores` lists all stores.";
    check("shop", true, Err(none), &both[..1]);
}
