//! The object store of a simulated stream.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;

use crate::journal::stream::error::StreamError;
use crate::journal::stream::objects::Objects;

/// Objects in memory.
#[derive(Default)]
pub(super) struct SimulatedObjects(Mutex<World>);

#[derive(Default)]
struct World {
    objects: BTreeMap<String, Bytes>,
    /// Calls that are answered before no call is; `None`: all are.
    answers_left: Option<u64>,
}

impl SimulatedObjects {
    /// From now on only so many calls are answered; `None`: all are.
    pub(super) fn answer(&self, calls: Option<u64>) {
        self.world().answers_left = calls;
    }

    pub(super) fn all(&self) -> BTreeMap<String, Bytes> {
        self.world().objects.clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Bytes>)) {
        change(&mut self.world().objects);
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    fn answered(&self) -> Result<MutexGuard<'_, World>, StreamError> {
        let mut world = self.world();
        match &mut world.answers_left {
            Some(0) => return Err(StreamError::unavailable("planned")),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(world)
    }
}

impl Objects for SimulatedObjects {
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

    fn sweep(&self) -> Result<(), StreamError> {
        // It stores whole objects.
        self.answered().map(drop)
    }
}

impl std::fmt::Debug for SimulatedObjects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimulatedObjects").field("objects", &self.world().objects.len()).finish_non_exhaustive()
    }
}
