//! `wasi:keyvalue`, draft 2: the service's store under the names that other hosts use.
//!
//! There is one bucket, `default`, with the same keys as `switchyard:service/store`. If the store refuses a request of
//! a guest, the guest gets an error value; if the store fails, the call ends. A mounted component that writes after its
//! response has begun gets an error value too.

use wasmtime::component::{Resource, ResourceTable};

use super::bucket::{Bucket, Swap};
use super::transaction::TransactionRef;
use crate::limits::SCAN_ENTRIES_MAX;
use crate::runtime::instance::Failure;
use crate::runtime::offered::bindings::keyvalue::wasi::keyvalue::{atomics, batch, store};
use crate::store::{Direction, Scan, StoreError, Transaction};

/// The name of the only bucket.
const BUCKET: &str = "default";

/// The error of a write after the response of a mounted component has begun.
const ENDED: &str = "the response has begun, and with it the transaction of its request has ended: write before it";

pub(in crate::runtime) struct View<'a> {
    pub(in crate::runtime) transaction: TransactionRef<'a>,
    pub(in crate::runtime) table: &'a mut ResourceTable,
}

/// A guest's result inside wasmtime's: the outer error ends the call.
type Answer<T> = wasmtime::Result<Result<T, store::Error>>;

/// The guest gets the errors that it can handle; all others end the call.
fn answer<T>(result: Result<T, StoreError>) -> Answer<T> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(StoreError::ReadOnly) => Ok(Err(store::Error::AccessDenied)),
        Err(error @ (StoreError::Index(_) | StoreError::KeyNotText)) => Err(Failure::Store(error).into()),
        Err(error) => Ok(Err(store::Error::Other(error.to_string()))),
    }
}

impl View<'_> {
    fn value(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.transaction.get(key)?.map(Into::into))
    }

    fn write(&mut self, write: impl FnOnce(&mut Transaction) -> Result<(), StoreError>) -> Answer<()> {
        if self.transaction.has_ended() {
            return Ok(Err(store::Error::Other(ENDED.into())));
        }
        answer(write(self.transaction.writable()?))
    }
}

impl store::Host for View<'_> {
    fn open(&mut self, identifier: String) -> Answer<Resource<Bucket>> {
        if identifier != BUCKET {
            return Ok(Err(store::Error::NoSuchStore));
        }
        Ok(Ok(self.table.push(Bucket)?))
    }
}

impl store::HostBucket for View<'_> {
    fn get(&mut self, _bucket: Resource<Bucket>, key: String) -> Answer<Option<Vec<u8>>> {
        answer(self.value(&key))
    }

    fn set(&mut self, _bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Answer<()> {
        self.write(|transaction| transaction.set(&key, value))
    }

    fn delete(&mut self, _bucket: Resource<Bucket>, key: String) -> Answer<()> {
        self.write(|transaction| transaction.delete(&key))
    }

    fn exists(&mut self, _bucket: Resource<Bucket>, key: String) -> Answer<bool> {
        answer(self.transaction.get(&key).map(|value| value.is_some()))
    }

    fn list_keys(&mut self, _bucket: Resource<Bucket>, cursor: Option<String>) -> Answer<store::KeyResponse> {
        let direction = Direction::Ascending;
        let scan = Scan { prefix: "", after: cursor.as_deref(), direction, limit: SCAN_ENTRIES_MAX };
        answer(self.transaction.scan(&scan).map(|page| {
            let keys: Vec<_> = page.entries.into_iter().map(|entry| entry.key).collect();
            store::KeyResponse { cursor: keys.last().filter(|_| page.more).cloned(), keys }
        }))
    }

    fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for View<'_> {
    fn increment(&mut self, _bucket: Resource<Bucket>, key: String, delta: i64) -> Answer<i64> {
        let held = match answer(self.value(&key))? {
            Ok(held) => held,
            Err(error) => return Ok(Err(error)),
        };
        let number = match held.as_deref().map(std::str::from_utf8) {
            None => Some(0),
            Some(text) => text.ok().and_then(|text| text.parse::<i64>().ok()),
        };
        let Some(sum) = number.and_then(|number| number.checked_add(delta)) else {
            return Ok(Err(store::Error::Other(format!(
                "the value of {key:?} is not a number, or the sum does not fit in 64 bits"
            ))));
        };
        let set = self.write(|transaction| transaction.set(&key, sum.to_string()))?;
        Ok(set.map(|()| sum))
    }

    /// The call's transaction is serializable: only the call itself can have written the key in between.
    fn swap(&mut self, swap: Resource<Swap>, value: Vec<u8>) -> wasmtime::Result<Result<(), atomics::CasError>> {
        let Swap { key, seen } = self.table.delete(swap)?;
        let current = match answer(self.value(&key))? {
            Ok(current) => current,
            Err(error) => return Ok(Err(atomics::CasError::StoreError(error))),
        };
        if current != seen {
            let again = self.table.push(Swap { key, seen: current })?;
            return Ok(Err(atomics::CasError::CasFailed(again)));
        }
        let set = self.write(|transaction| transaction.set(&key, value))?;
        Ok(set.map_err(atomics::CasError::StoreError))
    }
}

impl atomics::HostCas for View<'_> {
    fn new(&mut self, _bucket: Resource<Bucket>, key: String) -> Answer<Resource<Swap>> {
        match answer(self.value(&key))? {
            Ok(seen) => Ok(Ok(self.table.push(Swap { key, seen })?)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn current(&mut self, swap: Resource<Swap>) -> Answer<Option<Vec<u8>>> {
        Ok(Ok(self.table.get(&swap)?.seen.clone()))
    }

    fn drop(&mut self, swap: Resource<Swap>) -> wasmtime::Result<()> {
        self.table.delete(swap)?;
        Ok(())
    }
}

impl batch::Host for View<'_> {
    fn get_many(&mut self, _bucket: Resource<Bucket>, keys: Vec<String>) -> Answer<Vec<Option<(String, Vec<u8>)>>> {
        let pair = |key: String| Ok(self.value(&key)?.map(|value| (key, value)));
        answer(keys.into_iter().map(pair).collect())
    }

    fn set_many(&mut self, _bucket: Resource<Bucket>, pairs: Vec<(String, Vec<u8>)>) -> Answer<()> {
        self.write(|transaction| pairs.into_iter().try_for_each(|(key, value)| transaction.set(&key, value)))
    }

    fn delete_many(&mut self, _bucket: Resource<Bucket>, keys: Vec<String>) -> Answer<()> {
        self.write(|transaction| keys.iter().try_for_each(|key| transaction.delete(key)))
    }
}

add_to_linker!(store, atomics, batch);
