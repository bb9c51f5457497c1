//! Runs a component without a host: within the limits of one, on empty stores, reaching nothing outside.

use std::sync::Arc;

use crate::cli::client::http;
use crate::cli::output::failure::{Failure, Kind};
use crate::config::{Grant, LimitSettings, Manifest};
use crate::contract::{VerdictProblem, World};
use crate::names::ServiceName;
use crate::observe::error_chain;
use crate::release::{StartCheck, check_start, check_start_http};
use crate::runtime::{CompileError, LinkError, LinkSettings, Runtime};
use crate::tasks::Tasks;

/// The service in log lines of the component.
const SERVICE: &str = "check";

/// A host that the component may import, but not reach: with a grant, outbound HTTP is linked.
const NOBODY: &str = "invalid.example";

/// A host's runtime, for one component.
pub(super) struct Trial {
    runtime: Runtime,
    limits: LimitSettings,
    outbound_http: bool,
    tasks: Tasks,
}

impl Trial {
    /// `manifest` has the limits. With `outbound_http`, the component may import outbound HTTP.
    pub(super) fn new(manifest: &Manifest, outbound_http: bool) -> Result<Self, Failure> {
        let tasks = Tasks::default();
        let runtime = Runtime::new(&manifest.runtime, tasks.outages());
        let runtime = runtime.map_err(|error| Failure::new(Kind::Refused, error))?;
        Ok(Self { runtime, limits: manifest.limits.clone(), outbound_http, tasks })
    }

    fn settings(&self) -> Result<LinkSettings, Failure> {
        let service = ServiceName::parse(SERVICE).map_err(|error| Failure::new(Kind::Usage, error))?;
        let grant = Grant::parse(NOBODY).map_err(|error| Failure::new(Kind::Usage, error))?;
        let outbound_hosts = if self.outbound_http { vec![grant] } else { Vec::new() };
        Ok(LinkSettings { service, environment: Vec::new(), outbound_hosts, limits: self.limits.clone() })
    }

    /// Calls every function of `world`.
    pub(super) fn contract(&self, component: &[u8], world: &Arc<World>) -> Result<StartCheck, Failure> {
        let code = match self.runtime.compile(component) {
            Ok(code) => code,
            Err(error) => return Ok(not_compiled(&error)),
        };
        let program = match self.runtime.link(&code, world, self.settings()?) {
            Ok(program) => program,
            Err(error) => return Ok(not_linked(&error)),
        };
        if let Some(check) = self.too_large(program.initial_memory_bytes()) {
            return Ok(check);
        }
        Ok(http::runtime()?.block_on(check_start(&program, None, self.limits.deadline_ms)))
    }

    /// Sends one request, `GET /`. Any response is an answer.
    pub(super) fn http(&self, component: &[u8]) -> Result<StartCheck, Failure> {
        let code = match self.runtime.compile_http(component) {
            Ok(code) => code,
            Err(error) => return Ok(not_compiled(&error)),
        };
        let program = match self.runtime.link_http(&code, self.settings()?, &self.tasks) {
            Ok(program) => program,
            Err(error) => return Ok(not_linked(&error)),
        };
        if let Some(check) = self.too_large(program.initial_memory_bytes()) {
            return Ok(check);
        }
        Ok(http::runtime()?.block_on(check_start_http(&program, None, "/", self.limits.deadline_ms)))
    }

    fn too_large(&self, bytes: u64) -> Option<StartCheck> {
        let bytes_max = self.limits.memory_bytes_max;
        let is_too_large = usize::try_from(bytes).is_ok_and(|bytes| bytes > bytes_max);
        let expected = format!("at most limits.memory_bytes_max = {bytes_max} bytes");
        is_too_large.then(|| refused("the component's memory", &expected, format!("{bytes} bytes at its start")))
    }
}

fn not_compiled(error: &CompileError) -> StartCheck {
    refused("the component", "one that the host can run", error_chain(error))
}

fn not_linked(error: &LinkError) -> StartCheck {
    refused("the component", "one that can be linked", error_chain(error))
}

fn refused(path: &str, expected: &str, found: String) -> StartCheck {
    let problem =
        VerdictProblem { path: path.into(), expected: expected.into(), found: found.clone(), detail: String::new() };
    StartCheck { detail: found, problems: vec![problem], ..StartCheck::default() }
}
