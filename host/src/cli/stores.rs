//! `switchyard stores` and `switchyard drop`: what is stored, and the end of what a removed service stored.

use super::arguments::{Drop, Stores};
use super::documents::{Items, Store};
use super::failure::{Failure, Kind, Outcome};
use super::figures::bytes;
use super::output;
use super::request::Request;
use super::target::Target;

pub(super) fn list(target: &Target, command: &Stores) -> Outcome {
    let answer = Request::get(&["stores"]).send(target)?;
    answer.told(command.json, |stores: &Items<Store>| table(&stores.items))
}

fn table(stores: &[Store]) -> String {
    let heading = ["SERVICE", "STORE", "OF CALLS", "STATE"].map(str::to_owned).to_vec();
    let row = |store: &Store| {
        let state = if store.in_use { "in use" } else { "kept: its service was removed" };
        vec![store.service.clone(), bytes(store.bytes), bytes(store.platform_bytes), state.to_owned()]
    };
    let rows: Vec<_> = std::iter::once(heading).chain(stores.iter().map(row)).collect();
    output::table(&rows, |column| matches!(column, 1 | 2))
}

/// Deletes a store, when `confirm` agrees to the question it is asked.
pub(super) fn drop_store(
    target: &Target,
    command: &Drop,
    confirm: impl FnOnce(&str) -> Result<(), Failure>,
) -> Outcome {
    let service = &command.service;
    let stores: Items<Store> = Request::get(&["stores"]).send(target)?.accepted(false)?.read()?;
    let Some(store) = stores.items.iter().find(|store| store.service == *service) else {
        let next = "`switchyard stores` shows which there are.";
        return Err(Failure::text(Kind::Refused, format!("there is no store of {service}")).next(next));
    };
    if store.in_use {
        let next = "Take it out of the manifest, and `switchyard apply` that first.";
        return Err(Failure::text(Kind::Refused, format!("{service} is in use: its store stays")).next(next));
    }
    let size = bytes(store.bytes);
    confirm(&format!("Delete the store of {service} ({size}) for good?"))?;
    Request::delete(&["stores", service]).send(target)?.accepted(false)?;
    Ok(format!("the store of {service} ({size}) is deleted"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::arguments::Command;
    use super::super::fake_host::{FakeHost, lines, parsed};
    use super::*;

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
        let in_use =
            "error: cart is in use: its store stays\nTake it out of the manifest, and `switchyard apply` that first.";
        check("cart", true, Err(in_use), &both[..1]);
        let none = "error: there is no store of shop\n`switchyard stores` shows which there are.";
        check("shop", true, Err(none), &both[..1]);
    }
}
