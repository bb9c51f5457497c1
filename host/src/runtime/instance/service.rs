//! The state that all instances of one service share.

use std::sync::Arc;

use super::log::Budget;
use super::outgoing::{Grants, RequestLog};
use crate::config::{Grant, LimitSettings};
use crate::names::ServiceName;
use crate::observe::LogLimits;
use crate::observe::runtime::RuntimeMetrics;

/// The settings that a service gives its component in addition to the contract.
#[derive(Debug, Clone)]
pub struct LinkSettings {
    pub service: ServiceName,
    /// All environment variables that the component sees.
    pub environment: Vec<(String, String)>,
    /// The hosts that it may send HTTP requests to.
    pub outbound_hosts: Vec<Grant>,
    pub limits: LimitSettings,
}

/// Why a component cannot serve a contract here.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("the component does not export {interface}#{function}")]
    MissingExport { interface: Arc<str>, function: Arc<str> },
    #[error("the export {interface}#{function} of the component has other types than its contract")]
    WrongType { interface: Arc<str>, function: Arc<str> },
    #[error("the component has an import that the host does not offer to {service}")]
    Import { service: ServiceName, source: wasmtime::Error },
    #[error("the component exports no `wasi:http` handler of version 0.2 or 0.3")]
    NoHandler { source: wasmtime::Error },
    #[error("the code of {service} was compiled for another kind of component")]
    Kind { service: ServiceName },
}

/// The state that all instances of one service share.
#[derive(Debug)]
pub(in crate::runtime) struct Service {
    pub(in crate::runtime) name: ServiceName,
    pub(in crate::runtime) environment: Vec<(String, String)>,
    pub(in crate::runtime) limits: LimitSettings,
    pub(in crate::runtime) log: Arc<Budget>,
    pub(in crate::runtime) grants: Grants,
    pub(in crate::runtime) metrics: RuntimeMetrics,
    /// Of the host's own lines about its runs.
    pub(in crate::runtime) log_limits: Arc<LogLimits<&'static str>>,
}

impl Service {
    pub(in crate::runtime) fn new(settings: LinkSettings) -> Self {
        let LinkSettings { service: name, environment, outbound_hosts, limits } = settings;
        let metrics = RuntimeMetrics::new(&name);
        let log = Budget::new(name.clone(), limits.log_bytes_per_second, metrics.log_bytes_dropped.clone());
        Self {
            name,
            environment,
            limits,
            log: Arc::new(log),
            grants: Grants::new(&outbound_hosts),
            metrics,
            log_limits: Arc::new(LogLimits::of_requests()),
        }
    }

    /// The log of its outgoing requests.
    pub(in crate::runtime) fn request_log(&self) -> RequestLog {
        RequestLog { service: self.name.clone(), limits: Arc::clone(&self.log_limits) }
    }
}
