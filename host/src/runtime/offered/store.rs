//! `switchyard:service/store`: the service's own store in the call's transaction.

use super::transaction::TransactionRef;
use crate::runtime::instance::Failure;
use crate::runtime::offered::bindings::service::switchyard::service::store;
use crate::store::{Direction, Scan};

pub(in crate::runtime) struct View<'a> {
    pub(in crate::runtime) transaction: TransactionRef<'a>,
}

impl store::Host for View<'_> {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        let value = self.transaction.get(&key).map_err(Failure::Store)?;
        Ok(value.map(Into::into))
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<()> {
        Ok(self.transaction.writable()?.set(&key, value).map_err(Failure::Store)?)
    }

    fn delete(&mut self, key: String) -> wasmtime::Result<()> {
        Ok(self.transaction.writable()?.delete(&key).map_err(Failure::Store)?)
    }

    fn scan(
        &mut self,
        prefix: String,
        after: Option<String>,
        direction: store::Direction,
        limit: u32,
    ) -> wasmtime::Result<store::Page> {
        let direction = match direction {
            store::Direction::Ascending => Direction::Ascending,
            store::Direction::Descending => Direction::Descending,
        };
        let scan = Scan { prefix: &prefix, after: after.as_deref(), direction, limit };
        let page = self.transaction.scan(&scan).map_err(Failure::Store)?;
        let entries = page.entries.into_iter().map(|entry| store::Entry { key: entry.key, value: entry.value.into() });
        Ok(store::Page { entries: entries.collect(), more: page.more })
    }
}

add_to_linker!(store);
