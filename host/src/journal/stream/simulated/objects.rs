//! The object store of a simulated stream.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::MutexGuard;

use bytes::Bytes;

use super::SimulatedStream;
use crate::journal::stream::interface::StreamError;
use crate::journal::stream::objects::Objects;

#[derive(Default)]
pub(super) struct World {
    objects: BTreeMap<String, Bytes>,
    /// Calls that are answered before no call is; `None`: all are.
    answers_left: Option<u64>,
}

impl SimulatedStream {
    /// From now on only so many calls of the object store are answered; `None`: all are.
    pub fn answer_objects(&self, calls: Option<u64>) {
        self.object_world().answers_left = calls;
    }

    /// All objects.
    pub(crate) fn stored_objects(&self) -> BTreeMap<String, Bytes> {
        self.object_world().objects.clone()
    }

    /// Changes the objects, as a faulty server does.
    pub(crate) fn damage_objects(&self, change: impl FnOnce(&mut BTreeMap<String, Bytes>)) {
        change(&mut self.object_world().objects);
    }

    fn object_world(&self) -> MutexGuard<'_, World> {
        self.0.objects.lock().unwrap()
    }

    fn answered(&self) -> Result<MutexGuard<'_, World>, StreamError> {
        let mut world = self.object_world();
        match &mut world.answers_left {
            Some(0) => return Err(StreamError::unavailable("planned")),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(world)
    }
}

impl Objects for SimulatedStream {
    fn put(&self, name: &str, bytes: &Bytes) -> Result<(), StreamError> {
        self.answered()?.objects.insert(name.to_owned(), bytes.clone());
        Ok(())
    }

    fn has(&self, name: &str) -> Result<bool, StreamError> {
        Ok(self.answered()?.objects.contains_key(name))
    }

    fn get(&self, name: &str) -> Result<Option<Bytes>, StreamError> {
        Ok(self.answered()?.objects.get(name).cloned())
    }

    fn names(&self, prefix: &str) -> Result<BTreeSet<String>, StreamError> {
        let world = self.answered()?;
        Ok(world.objects.keys().filter(|name| name.starts_with(prefix)).cloned().collect())
    }

    fn delete(&self, name: &str) -> Result<(), StreamError> {
        self.answered()?.objects.remove(name);
        Ok(())
    }
}
