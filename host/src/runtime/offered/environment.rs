//! `wasi:cli/environment` and `exit`: the service's configuration, and an exit that counts as a trap.

use wasmtime_wasi::p2::bindings::cli::{environment, exit};

pub(in crate::runtime) struct View<'a> {
    pub(in crate::runtime) environment: &'a [(String, String)],
}

impl environment::Host for View<'_> {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.environment.to_vec())
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }
}

impl exit::Host for View<'_> {
    fn exit(&mut self, status: Result<(), ()>) -> wasmtime::Result<()> {
        self.exit_with_code(u8::from(status.is_err()))
    }

    fn exit_with_code(&mut self, code: u8) -> wasmtime::Result<()> {
        Err(wasmtime::format_err!("the component ended itself with status {code} in the middle of a call"))
    }
}

add_to_linker!(environment, exit);
