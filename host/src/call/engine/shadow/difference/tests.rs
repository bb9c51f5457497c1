use std::sync::Arc;

use wasmtime::component::Val;

use super::*;
use crate::contract::{Field, Name, Record, Type};
use crate::names::{Generation, Key};
use crate::store::Event;

/// A function that answers with an id of its own making, which is opaque, and with a note.
fn function() -> Function {
    let field = |name: &str, opaque| Field { opaque, ..Field::new(Name::new(name), Type::String) };
    let fields = vec![field("id", true), field("note", false)];
    let (name, interface, docs) = ("made".into(), "test:make/make@1.0.0".into(), "".into());
    let ok = Some(Type::Record(Arc::new(Record { name, interface, docs, fields })));
    Function { ok, ..Function::internal("test:make/make@1.0.0", "make") }
}

/// A run that answers with `id` and `note`, stores `written` and emits an event with each of `payloads`.
fn run((id, note): (&str, &str), written: &[(&str, &str)], payloads: &[&str]) -> RunEffects {
    let text = |text: &str| Val::String(text.into());
    let answer = Val::Record(vec![("id".into(), text(id)), ("note".into(), text(note))]);
    let write = |(key, value): &(&str, &str)| {
        (Key::parse(Generation::First, key).unwrap(), Some(bytes::Bytes::from((*value).to_owned())))
    };
    let event = |payload: &&str| Event {
        interface: "test:make/events@1.0.0".into(),
        function: "made".into(),
        payload: bytes::Bytes::from((*payload).to_owned()),
    };
    let effects = Effects { writes: written.iter().map(write).collect(), events: payloads.iter().map(event).collect() };
    RunEffects { answer: Answer::Ok(Some(answer)), effects }
}

#[test]
fn entries_and_events_may_differ_by_the_ids_that_each_run_has_made() {
    let check = |candidate: RunEffects, same_format: bool, expected: Option<&str>| {
        let live = run(("a-1", "tea"), &[("item/a-1", "tea")], &["{\"id\":\"a-1\",\"note\":\"tea\"}"]);
        let (told, function) = (format!("{candidate:?}"), function());
        let found = difference(&function, &live, Ok(candidate), None, same_format);
        assert_eq!(found.as_ref().map(|found| found.path.as_str()), expected, "{told}");
    };
    let emitted = |id: &str, note: &str| format!("{{\"id\":\"{id}\",\"note\":\"{note}\"}}");
    check(run(("a-1", "tea"), &[("item/a-1", "tea")], &[&emitted("a-1", "tea")]), true, None);
    check(run(("b-2", "tea"), &[("thing/b-2", "TEA")], &[&emitted("b-2", "tea")]), true, None);
    check(run(("b-2", "tea"), &[("thing/b-2", "TEA")], &[&emitted("b-2", "tea")]), false, None);
    // Everything else still counts.
    check(run(("b-2", "mug"), &[("item/b-2", "tea")], &[&emitted("b-2", "tea")]), true, Some("/note"));
    check(run(("", "tea"), &[("item/b-2", "tea")], &[&emitted("b-2", "tea")]), true, Some("/id"));
    check(run(("b-2", "tea"), &[], &[&emitted("b-2", "tea")]), true, Some("store"));
    check(run(("b-2", "tea"), &[("item/b-2", "tea")], &[&emitted("b-2", "mug")]), true, Some("events/0"));
    check(run(("b-2", "tea"), &[("item/b-2", "tea")], &[&emitted("c-3", "tea")]), true, Some("events/0"));
    check(run(("b-2", "tea"), &[("item/b-2", "tea")], &[]), true, Some("events/0"));
    check(run(("a-1", "tea"), &[("item/a-1", "mug")], &[&emitted("a-1", "tea")]), true, Some("store/item"));
    check(run(("a-1", "tea"), &[("item/b-2", "tea")], &[&emitted("a-1", "tea")]), true, Some("store/item"));
    check(run(("a-1", "tea"), &[("thing/a-1", "mug")], &[&emitted("a-1", "tea")]), false, None);
    check(run(("a-1", "tea"), &[("item/a-1", "tea")], &[&emitted("b-2", "tea")]), true, Some("events/0"));
}
