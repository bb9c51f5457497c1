//! `wasi:cli/{stdout, stderr}`: the service's log.

use std::sync::{Arc, Mutex};

use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::p2::DynOutputStream;
use wasmtime_wasi::p2::bindings::cli::{stderr, stdout};

use crate::names::RequestId;
use crate::runtime::instance::{Budget, Printed, Source, Stream};

pub(in crate::runtime) struct View<'a> {
    /// Created when the guest first prints.
    pub(in crate::runtime) printed: &'a mut Option<Arc<Mutex<Printed>>>,
    pub(in crate::runtime) log: &'a Arc<Budget>,
    pub(in crate::runtime) request: &'a RequestId,
    pub(in crate::runtime) table: &'a mut ResourceTable,
}

impl View<'_> {
    fn open(&mut self, source: Source) -> wasmtime::Result<Resource<DynOutputStream>> {
        let new = || Arc::new(Mutex::new(Printed::new(Arc::clone(self.log), self.request.clone())));
        let printed = Arc::clone(self.printed.get_or_insert_with(new));
        let stream: DynOutputStream = Box::new(Stream { printed, source });
        Ok(self.table.push(stream)?)
    }
}

impl stdout::Host for View<'_> {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.open(Source::Stdout)
    }
}

impl stderr::Host for View<'_> {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.open(Source::Stderr)
    }
}

add_to_linker!(stdout, stderr);
