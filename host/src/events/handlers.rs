//! Which service subscribes to which events, according to the contracts of the live releases.
//!
//! A service subscribes to the events of every exported interface of its contract, from each service whose contract
//! imports a compatible version of the interface.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::call::Worlds;
use crate::contract::{Field, Function, Interface, Reach, World, track};
use crate::names::ServiceName;
use crate::store::Event;
use crate::store::system::EventSeq;
use crate::value::Parameters;

/// A service that emits events, and one that subscribes to them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) subscriber: ServiceName,
    pub(super) emitter: ServiceName,
}

impl Pair {
    /// Distinguishes the call that delivers the event `seq` from all others: its id is derived from this.
    pub(super) fn cause(&self, EventSeq(commit, index): EventSeq) -> String {
        let Self { subscriber, emitter } = self;
        format!("event {emitter} {} {index} {subscriber}", commit.0)
    }
}

/// The functions of a subscriber that handle the events of one emitter, by the track of the interface and the
/// function's name.
#[derive(Debug)]
pub(super) struct Handlers(BTreeMap<Box<str>, HashMap<Arc<str>, Handler>>);

/// A function that handles events.
#[derive(Debug)]
pub(super) struct Handler {
    pub(super) function: Arc<Function>,
    pub(super) parameters: Parameters,
    /// The JSON name of the parameter by which events are ordered.
    key: Option<Arc<str>>,
}

/// All pairs of the live releases.
pub(super) fn pairs(worlds: &Worlds) -> Vec<Pair> {
    let names = || worlds.iter().map(|(name, _)| name);
    let all = names().flat_map(|subscriber| names().map(move |emitter| (subscriber.clone(), emitter.clone())));
    let all = all.map(|(subscriber, emitter)| Pair { subscriber, emitter });
    all.filter(|pair| subscribed(worlds, pair).is_some_and(|mut interfaces| interfaces.next().is_some())).collect()
}

/// The event interfaces that the subscriber of `pair` handles and its emitter emits.
fn subscribed<'w>(worlds: &'w Worlds, pair: &Pair) -> Option<impl Iterator<Item = &'w Interface>> {
    let world = |name: &ServiceName| worlds.iter().find(|(known, _)| known == name).map(|(_, world)| &**world);
    let (subscriber, emitter): (&World, &World) = (world(&pair.subscriber)?, world(&pair.emitter)?);
    let emitted = |interface: &&Interface| {
        let same = |import: &Interface| has_events(import) && track(&import.name) == track(&interface.name);
        emitter.imports.iter().any(same)
    };
    Some(subscriber.exports.iter().filter(|interface| has_events(interface)).filter(emitted))
}

fn has_events(interface: &Interface) -> bool {
    interface.functions.iter().any(|function| matches!(function.reach, Reach::Event { .. }))
}

impl Handlers {
    /// The handlers of `pair`; `None` when its subscriber does not subscribe to its emitter.
    pub(super) fn of(worlds: &Worlds, pair: &Pair) -> Option<Self> {
        let handlers = |interface: &Interface| {
            let handler = |function: &Arc<Function>| Some((Arc::clone(&function.name.wit), Handler::of(function)?));
            interface.functions.iter().filter_map(handler).collect()
        };
        let all = subscribed(worlds, pair)?.map(|interface| (track(&interface.name).into(), handlers(interface)));
        Some(Self(all.collect())).filter(|handlers| !handlers.0.is_empty())
    }

    /// The tracks of the interfaces, in order.
    pub(super) fn tracks(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(AsRef::as_ref)
    }

    pub(super) fn has(&self, track: &str) -> bool {
        self.0.contains_key(track)
    }

    /// The handler of `event`, if it has one.
    pub(super) fn handler(&self, event: &Event) -> Option<&Handler> {
        self.0.get(track(&event.interface))?.get(&event.function)
    }
}

impl Handler {
    fn of(function: &Arc<Function>) -> Option<Self> {
        let Reach::Event { by } = &function.reach else { return None };
        let name = |field: &Field| Arc::clone(&field.name.json);
        let key = by.and_then(|index| function.parameters.get(index)).map(name);
        let parameters = Parameters::new(&function.parameters);
        Some(Self { function: Arc::clone(function), parameters, key })
    }

    /// The value by which `event` is ordered among the events of its interface, if there is one.
    pub(super) fn key(&self, event: &Event) -> Option<String> {
        let key = self.key.as_deref()?;
        let payload: Json = serde_json::from_slice(&event.payload).ok()?;
        payload.get(key).map(Json::to_string)
    }
}
