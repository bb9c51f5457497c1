//! `wasi:cli/{stdout, stderr}`: the service's log.

use std::sync::{Arc, Mutex};

use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::p2::DynOutputStream;
use wasmtime_wasi::p2::bindings::cli::{stderr, stdout};

use crate::runtime::log::{Printed, Source, Stream};
use crate::runtime::state::State;

struct View<'a>(&'a mut State);

impl View<'_> {
    fn open(&mut self, source: Source) -> wasmtime::Result<Resource<DynOutputStream>> {
        let state = &mut *self.0;
        let printed = state.printed.get_or_insert_with(|| {
            Arc::new(Mutex::new(Printed::new(Arc::clone(&state.service.log), state.request.clone())))
        });
        let stream: DynOutputStream = Box::new(Stream { printed: Arc::clone(printed), source });
        Ok(state.table.push(stream)?)
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

struct Output;

impl HasData for Output {
    type Data<'a> = View<'a>;
}

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    stdout::add_to_linker::<State, Output>(linker, |state| View(state))?;
    stderr::add_to_linker::<State, Output>(linker, |state| View(state))
}
