//! Services without a contract: raw `wasi:http` components, each mounted under a path prefix.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use tokio::sync::Semaphore;

use super::StartError;
use crate::call::CallError;
use crate::clock;
use crate::config::{LimitSettings, Manifest, ServiceSettings};
use crate::contract::{OutboundHttp, judge_http};
use crate::gateway::{Body, BodyError, Mount, MountedRequest};
use crate::names::{Digest, ServiceName};
use crate::release::{Progress, Report};
use crate::runtime::{Failure, HttpFrame, HttpProgram, LinkSettings, Runtime};
use crate::tasks::Tasks;

/// What is mounted.
#[derive(Debug, Default)]
pub(super) struct Mounted {
    pub(super) mounts: Vec<Mount>,
    pub(super) components: BTreeMap<ServiceName, Digest>,
}

/// Makes what is mounted from the services of the manifest that have no contract.
pub(super) fn mounts(
    manifest: &Manifest,
    runtime: &Runtime,
    tasks: &Tasks,
    report: Report<'_>,
) -> Result<Mounted, StartError> {
    let mut all = Mounted::default();
    let mounted = manifest.services.iter().filter_map(|(name, service)| Some((name, service, service.mount.as_ref()?)));
    for (name, settings, prefix) in mounted {
        report(Progress::Compiling { service: name.clone() });
        let begin = clock::now();
        let limits = settings.limits(&manifest.limits);
        let component = read(name, settings)?;
        let program = program(name, settings, &component, &limits, (runtime, tasks))?;
        report(Progress::Compiled { service: name.clone(), took: begin.elapsed() });
        all.components.insert(name.clone(), Digest::of(&component));
        all.mounts.push(mount(name.clone(), prefix.clone(), program, &limits));
    }
    Ok(all)
}

fn read(name: &ServiceName, settings: &ServiceSettings) -> Result<Vec<u8>, StartError> {
    let path = &settings.component;
    std::fs::read(path).map_err(|source| StartError::Component { service: name.clone(), path: path.clone(), source })
}

fn program(
    name: &ServiceName,
    settings: &ServiceSettings,
    component: &[u8],
    limits: &LimitSettings,
    (runtime, tasks): (&Runtime, &Tasks),
) -> Result<Arc<HttpProgram>, StartError> {
    let outbound = if settings.outbound_hosts.is_empty() { OutboundHttp::Refused } else { OutboundHttp::Granted };
    let verdict = judge_http(component, outbound);
    if !verdict.accepted {
        return Err(StartError::Refused { service: name.clone(), verdict: Box::new(verdict) });
    }
    let code =
        runtime.compile_http(component).map_err(|source| StartError::Compile { service: name.clone(), source })?;
    let link = LinkSettings {
        service: name.clone(),
        environment: settings.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        outbound_hosts: settings.outbound_hosts.clone(),
        limits: limits.clone(),
    };
    runtime.link_http(&code, link, tasks).map_err(|source| StartError::Link { service: name.clone(), source })
}

fn mount(name: ServiceName, prefix: String, program: Arc<HttpProgram>, limits: &LimitSettings) -> Mount {
    let slots = Arc::new(Semaphore::new(limits.calls_in_flight_max));
    let deadline = Duration::from_millis(limits.deadline_ms);
    let service = move |mounted: MountedRequest| {
        let (name, program, slots) = (name.clone(), Arc::clone(&program), Arc::clone(&slots));
        let answer = async move {
            let Ok(_slot) = slots.try_acquire() else {
                return Err(unavailable(name, "its calls in flight leave no room"));
            };
            let frame = HttpFrame { request: mounted.id, deadline: clock::now() + deadline };
            match program.handle(mounted.request, frame).await {
                Ok(response) => Ok(response.map(|body| Body::stream(body.map_err(BodyError::from)))),
                Err(failure) => Err(explain(name, &failure)),
            }
        };
        Box::pin(answer) as crate::gateway::MountedAnswer
    };
    Mount { prefix, service: Arc::new(service) }
}

fn unavailable(service: ServiceName, why: &'static str) -> CallError {
    CallError::Unavailable { service, why, retry_after_s: 1 }
}

/// What the client is told. The runtime has logged why.
fn explain(service: ServiceName, failure: &Failure) -> CallError {
    match failure {
        Failure::Deadline => CallError::Deadline { service },
        Failure::Slots { .. } => unavailable(service, "no instance is free"),
        _ => CallError::Failed { service },
    }
}
