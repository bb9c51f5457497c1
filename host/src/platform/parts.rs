//! The parts of a host that runs all calls: built in order, lowest first, and served last.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use super::error::StartError;
use crate::admin::Admin;
use crate::call::Calls;
use crate::clock;
use crate::config::{Configuration, Manifest, TelemetrySettings};
use crate::events::Events;
use crate::gateway::{Certificate, Gateway, Listener};
use crate::observe::Metrics;
use crate::observe::traces::{ExportSettings, Exporter, start_traces};
use crate::release::{Progress, Releases, Report};
use crate::runtime::{Runtime, private_folder};
use crate::store::Stores;
use crate::tasks::{Lifetime, Tasks};

/// What a host without a cluster serves with.
#[derive(Debug)]
pub(super) struct Alone {
    pub(super) certificate: Option<Arc<Certificate>>,
    pub(super) operator: Arc<Admin>,
    pub(super) stores: Stores,
    pub(super) traces: Option<Arc<Exporter>>,
}

/// The parts of the host, lowest first, before anything is served.
pub(super) struct Parts {
    pub(super) stores: Stores,
    pub(super) releases: Releases,
    pub(super) calls: Calls,
    pub(super) events: Events,
}

impl Parts {
    pub(super) fn make(manifest: &Manifest, tasks: &Tasks, report: Report<'_>) -> Result<Self, StartError> {
        private_folder(&manifest.host.data)?;
        let begin = clock::now();
        let archive = manifest.journal.archive.as_deref();
        let stores = Stores::open_archiving(&manifest.host.data, &manifest.store, &[], archive, None)?;
        report(Progress::Opened { took: clock::elapsed(begin) });
        let runtime = Runtime::new(&manifest.runtime, tasks.outages())?;
        Self::over(manifest, stores, runtime, tasks, report)
    }

    /// Builds the parts on open stores.
    pub(super) fn over(
        manifest: &Manifest,
        stores: Stores,
        runtime: Runtime,
        tasks: &Tasks,
        report: Report<'_>,
    ) -> Result<Self, StartError> {
        let (releases, calls) = Releases::open(manifest, &manifest.host.data, runtime, &stores, tasks, report)?;
        let intents = calls.find_intents()?;
        if intents > 0 {
            tracing::info!(intents, "calls that the last run of the host had begun go on");
        }
        let manifested = releases.clone();
        let begins = move |service: &_| manifested.events_from(service);
        let events = Events::new(calls.clone(), stores.clone(), manifest.events.clone(), begins, tasks);
        Ok(Self { stores, releases, calls, events })
    }

    /// Runs the background work in `tasks`.
    pub(super) fn work(&self, tasks: &Tasks) {
        let releases = self.releases.clone();
        tasks.supervise("intents", Lifetime::Host, move || releases.clone().recover());
        let releases = self.releases.clone();
        tasks.supervise("mirrors", Lifetime::Host, move || releases.clone().run_mirrors());
        let releases = self.releases.clone();
        tasks.supervise("release watch", Lifetime::Host, move || releases.clone().watch());
        let (calls, events) = (self.calls.clone(), self.events.clone());
        tasks.supervise("call retention", Lifetime::Host, move || {
            let events = events.clone();
            calls.clone().run_retention(move || events.repeatable_calls())
        });
        let events = self.events.clone();
        tasks.supervise("event retention", Lifetime::Host, move || events.clone().run_retention());
        let events = self.events.clone();
        tasks.supervise("events", Lifetime::Host, move || events.clone().run());
    }

    /// Serves both APIs in `tasks`.
    pub(super) fn serve(
        self,
        configuration: &Configuration,
        tasks: &Tasks,
        metrics: &Metrics,
        public: TcpListener,
        admin: TcpListener,
    ) -> Result<Alone, StartError> {
        let traces = self.trace(&configuration.manifest.telemetry, tasks)?;
        let (gateway, operator) = self.handlers(configuration, tasks, metrics)?;
        let metrics = metrics.clone();
        until_stop("metrics", tasks, move || metrics.clone().maintain());
        self.work(tasks);
        let (certificate, served) = (gateway.certificate().cloned(), Arc::clone(&operator));
        let public = Listener::from(public);
        tasks.supervise("public listener", Lifetime::Host, move || Arc::clone(&gateway).serve(public.clone()));
        let admin = Listener::from(admin);
        tasks.supervise("operator's listener", Lifetime::Host, move || Arc::clone(&operator).serve(admin.clone()));
        Ok(Alone { certificate, operator: served, stores: self.stores, traces })
    }

    /// The handlers of both APIs.
    pub(super) fn handlers(
        &self,
        configuration: &Configuration,
        tasks: &Tasks,
        metrics: &Metrics,
    ) -> Result<(Arc<Gateway>, Arc<Admin>), StartError> {
        let manifest = &configuration.manifest;
        let gateway = Gateway::new(&manifest.gateway, manifest.host.drain_ms_max, self.calls.clone(), tasks)?;
        let operator = Admin::new(
            configuration,
            self.calls.clone(),
            self.releases.clone(),
            self.events.clone(),
            self.stores.clone(),
            metrics.clone(),
            tasks,
        )?;
        Ok((gateway, operator))
    }

    /// Traces what runs from now on, and exports the spans in `tasks`, if the settings name a collector.
    pub(super) fn trace(
        &self,
        settings: &TelemetrySettings,
        tasks: &Tasks,
    ) -> Result<Option<Arc<Exporter>>, StartError> {
        let Some(endpoint) = settings.endpoint.clone() else { return Ok(None) };
        let (tracer, exporter) = start_traces(&ExportSettings {
            endpoint,
            service_name: settings.service_name.clone(),
            sampled: settings.sampled,
            timeout: Duration::from_millis(settings.timeout_ms),
            headers_file: settings.headers_file.clone(),
        })?;
        self.calls.set_tracer(tracer);
        let (run, stop) = (Arc::clone(&exporter), tasks.stop());
        tasks.supervise("telemetry", Lifetime::Host, move || {
            let (exporter, mut stop) = (Arc::clone(&run), stop.clone());
            async move { exporter.run(stop.wait()).await }
        });
        Ok(Some(exporter))
    }
}

/// Runs the futures from `work` in `tasks`, one after another if one fails, until the tasks are told to stop.
pub(super) fn until_stop<F>(name: &'static str, tasks: &Tasks, mut work: impl FnMut() -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let stop = tasks.stop();
    tasks.supervise(name, Lifetime::Host, move || {
        let (work, mut stop) = (work(), stop.clone());
        async move {
            tokio::select! {
                () = stop.wait() => {}
                () = work => {}
            }
        }
    });
}
