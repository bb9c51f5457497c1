//! The public API as a whole: its routes, its clients, and its limits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::assets::{AssetSettings, Assets};
use super::callee::Callee;
use super::connections::listener::Listener;
use super::error::GatewayError;
use crate::call::Calls;
use crate::config::GatewaySettings;
use crate::gateway::connections::handler::ServerSettings;
use crate::gateway::connections::server;
use crate::gateway::connections::tls::Certificate;
use crate::gateway::operations::public_api::{PublicApi, PublicApis};
use crate::gateway::request::body::BodyLimits;
use crate::gateway::request::rate_limit::Rates;
use crate::gateway::request::request_id::RequestIds;
use crate::gateway::response::cors::Cors;
use crate::gateway::response::page_headers::PageHeaders;
use crate::observe::LogLimit;
use crate::observe::gateway::{ConnectionMetrics, RouteMetrics};
use crate::observe::traces::Tracer;
use crate::tasks::Tasks;

/// The public API: a [`Handler`](super::Handler) that knows the routes, and the listener's settings.
#[derive(Debug)]
pub struct Gateway<C = Calls> {
    pub(super) apis: Arc<PublicApis>,
    pub(super) assets: Option<Assets>,
    pub(super) calls: C,
    pub(super) cors: Cors,
    pub(super) rates: Option<Rates>,
    /// Of all functions together that the contract bounds, unless they have a rate of their own.
    pub(super) costly_rate: Rates,
    /// By service and function.
    pub(super) function_rates: BTreeMap<String, BTreeMap<String, Rates>>,
    pub(super) ids: RequestIds,
    pub(super) body: BodyLimits,
    pub(super) compress_bytes_min: usize,
    pub(super) access_log: bool,
    pub(super) unanswered_log: LogLimit,
    pub(super) pages: PageHeaders,
    pub(super) tasks: Tasks,
    pub(super) metrics: OtherMetrics,
    pub(super) tracer: Tracer,
    server: ServerSettings,
    certificate: Option<Arc<Certificate>>,
}

/// Metrics of requests that match no operation.
#[derive(Debug)]
pub(super) struct OtherMetrics {
    pub(super) openapi: RouteMetrics,
    pub(super) mounted: RouteMetrics,
    pub(super) assets: RouteMetrics,
    pub(super) nothing: RouteMetrics,
}

impl<C: Callee> Gateway<C> {
    /// Builds the public API. `drain_ms_max` is how long running requests may take at shutdown.
    ///
    /// # Errors
    ///
    /// [`GatewayError`] if routes, the certificate or the assets are not valid.
    pub fn new(
        settings: &GatewaySettings,
        drain_ms_max: u64,
        calls: C,
        tasks: &Tasks,
    ) -> Result<Arc<Self>, GatewayError> {
        let (server, certificate) = public_listener(settings, drain_ms_max)?;
        let sent =
            AssetSettings { max_age_s: settings.asset_max_age_s, compress_bytes_min: settings.compress_bytes_min };
        let assets = settings
            .assets
            .as_ref()
            .map(|path| Assets::new(path, sent).map_err(|source| GatewayError::Assets { path: path.clone(), source }));
        let apis = Arc::new(PublicApis::new(PublicApi::new(calls.routing().worlds())?));
        let prepared = Arc::clone(&apis);
        calls.set_routing_observer(move |worlds| drop(prepared.of(worlds)));
        let tracer = calls.tracer();
        Ok(Arc::new(Self {
            apis,
            assets: assets.transpose()?,
            calls,
            cors: Cors::new(&settings.cors_origins),
            rates: settings
                .requests_per_second_per_client
                .map(|per_second| Rates::new(per_second, settings.request_burst_per_client.unwrap_or(per_second))),
            costly_rate: Rates::per_minute(settings.costly_calls_per_minute_per_client),
            function_rates: function_rates(settings),
            ids: RequestIds::new()?,
            body: BodyLimits {
                bytes_max: settings.body_bytes_max,
                time_max: Duration::from_millis(settings.body_read_ms_max),
            },
            compress_bytes_min: settings.compress_bytes_min,
            access_log: settings.access_log,
            unanswered_log: LogLimit::of_requests(),
            pages: PageHeaders::new(settings),
            tasks: tasks.clone(),
            metrics: OtherMetrics {
                openapi: RouteMetrics::new("GET", "/openapi.json"),
                mounted: RouteMetrics::new("any", "(mounted)"),
                assets: RouteMetrics::new("GET", "(assets)"),
                nothing: RouteMetrics::new("any", "(none)"),
            },
            tracer,
            server,
            certificate,
        }))
    }

    /// The TLS certificate, if TLS is on.
    #[must_use]
    pub fn certificate(&self) -> Option<&Arc<Certificate>> {
        self.certificate.as_ref()
    }

    /// The scheme of the URLs of its requests, as its connections show it.
    pub(super) fn scheme(&self) -> &'static str {
        if self.certificate.is_some() { "https" } else { "http" }
    }

    /// Serves on `listener` until the tasks are told to stop; resolves when the last connection has ended.
    pub async fn serve(self: Arc<Self>, listener: Listener) {
        let (settings, tasks) = (self.server.clone(), self.tasks.clone());
        server::serve(listener, self, &settings, ConnectionMetrics::new("public"), &tasks).await;
    }
}

/// The settings of the public listener, and its certificate.
///
/// # Errors
///
/// [`GatewayError`] if the certificate is not valid.
pub fn public_listener(
    settings: &GatewaySettings,
    drain_ms_max: u64,
) -> Result<(ServerSettings, Option<Arc<Certificate>>), GatewayError> {
    let mut server = ServerSettings::new(settings, drain_ms_max);
    let certificate = match (&settings.tls_certificate, &settings.tls_key) {
        (Some(certificate), Some(key)) => Some(Certificate::read(certificate, key)?),
        (None, None) => None,
        _ => return Err(GatewayError::HalfTls),
    };
    server.tls = certificate.as_ref().map(Certificate::server);
    Ok((server, certificate))
}

/// The rates of single functions, from the settings, which name them `service.function`.
fn function_rates(settings: &GatewaySettings) -> BTreeMap<String, BTreeMap<String, Rates>> {
    let mut rates = BTreeMap::<_, BTreeMap<_, _>>::new();
    for (name, calls) in &settings.calls_per_minute_per_client {
        if let Some((service, function)) = name.split_once('.') {
            rates.entry(service.to_owned()).or_default().insert(function.to_owned(), Rates::per_minute(*calls));
        }
    }
    rates
}
