//! `wasi:config`: the service's configuration, the same values as its environment variables.

use crate::runtime::offered::bindings::config::wasi::config::store;

pub(in crate::runtime) struct View<'a> {
    pub(in crate::runtime) environment: &'a [(String, String)],
}

impl store::Host for View<'_> {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, store::Error>> {
        let value = self.environment.iter().find(|(name, _)| *name == key);
        Ok(Ok(value.map(|(_, value)| value.clone())))
    }

    fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, store::Error>> {
        Ok(Ok(self.environment.to_vec()))
    }
}

add_to_linker!(store);
