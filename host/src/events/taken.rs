//! Who takes which events: what follows from the contracts of the live releases.
//!
//! A service takes the events of every interface that its contract exports, from each service whose contract imports the
//! interface, in a version that stands for its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::call::Worlds;
use crate::contract::{Field, Function, Interface, Reach, World, track};
use crate::names::ServiceName;
use crate::store::Event;
use crate::value::Parameters;

/// Two services of which one takes events of the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) subscriber: ServiceName,
    pub(super) emitter: ServiceName,
}

/// What one service takes of another: its functions by their names, by the tracks of their interfaces.
#[derive(Debug)]
pub(super) struct Taken(BTreeMap<Box<str>, HashMap<Arc<str>, Handler>>);

/// A function that takes events.
#[derive(Debug)]
pub(super) struct Handler {
    pub(super) function: Arc<Function>,
    pub(super) parameters: Parameters,
    /// The JSON name of the parameter by which events are in order.
    key: Option<Arc<str>>,
}

/// All services of which one takes events of another.
pub(super) fn pairs(worlds: &Worlds) -> Vec<Pair> {
    let emitters = |subscriber: &World| {
        let emits = |(name, emitter): &(ServiceName, Arc<World>)| emits(emitter, subscriber).then(|| name.clone());
        worlds.iter().filter_map(emits).collect::<Vec<_>>()
    };
    let of = |(subscriber, world): &(ServiceName, Arc<World>)| {
        let pair = |emitter| Pair { subscriber: subscriber.clone(), emitter };
        emitters(world).into_iter().map(pair).collect::<Vec<_>>()
    };
    worlds.iter().flat_map(of).collect()
}

fn emits(emitter: &World, subscriber: &World) -> bool {
    taken_interfaces(emitter, subscriber).next().is_some()
}

/// The interfaces of events that `subscriber` takes of `emitter`.
fn taken_interfaces<'w>(emitter: &'w World, subscriber: &'w World) -> impl Iterator<Item = &'w Interface> {
    let imported = |interface: &&Interface| {
        let same = |import: &Interface| has_events(import) && track(&import.name) == track(&interface.name);
        emitter.imports.iter().any(same)
    };
    subscriber.exports.iter().filter(|interface| has_events(interface)).filter(imported)
}

fn has_events(interface: &Interface) -> bool {
    interface.functions.iter().any(|function| matches!(function.reach, Reach::Event { .. }))
}

impl Taken {
    /// What the subscriber of `pair` takes; nothing when it takes no events.
    pub(super) fn of(worlds: &Worlds, pair: &Pair) -> Option<Self> {
        let world = |name: &ServiceName| worlds.iter().find(|(known, _)| known == name).map(|(_, world)| world);
        let (subscriber, emitter) = (world(&pair.subscriber)?, world(&pair.emitter)?);
        let handlers = |interface: &Interface| {
            let handler = |function: &Arc<Function>| Some((Arc::clone(&function.name.wit), Handler::of(function)?));
            interface.functions.iter().filter_map(handler).collect()
        };
        let taken: BTreeMap<_, _> = taken_interfaces(emitter, subscriber)
            .map(|interface| (track(&interface.name).into(), handlers(interface)))
            .collect();
        Some(Self(taken)).filter(|taken| !taken.0.is_empty())
    }

    /// The tracks of the interfaces, in order.
    pub(super) fn tracks(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(AsRef::as_ref)
    }

    pub(super) fn has(&self, track: &str) -> bool {
        self.0.contains_key(track)
    }

    /// What takes `event`, if anything does.
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

    /// The value by which `event` is in order with others of its interface, if it is.
    pub(super) fn key(&self, event: &Event) -> Option<String> {
        let key = self.key.as_deref()?;
        let payload: Json = serde_json::from_slice(&event.payload).ok()?;
        payload.get(key).map(Json::to_string)
    }
}
