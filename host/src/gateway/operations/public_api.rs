//! The routes and the OpenAPI document of the contracts, rebuilt when a contract changes.
//!
//! Invariant: a request is routed by the contracts of the releases that it runs on.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::openapi::Document;
use super::operation::Operation;
use super::routes::Routes;
use crate::call::Worlds;
use crate::contract::{Reach, openapi};
use crate::gateway::error::GatewayError;

/// The title of the OpenAPI document: the host has no better name for its services.
const API_TITLE: &str = "Services";

/// The routes of one set of contracts.
#[derive(Debug)]
pub(in crate::gateway) struct PublicApi {
    worlds: Worlds,
    pub(in crate::gateway) routes: Routes,
    pub(in crate::gateway) openapi: Document,
}

impl PublicApi {
    pub(in crate::gateway) fn new(worlds: &Worlds) -> Result<Self, GatewayError> {
        let mut operations = Vec::new();
        for (service, world) in worlds.iter() {
            for function in world.exports.iter().flat_map(|interface| &interface.functions) {
                let Reach::Http(route) = &function.reach else { continue };
                let operation = Operation::new(service.clone(), Arc::clone(function), route);
                let parameter = || GatewayError::Parameter { function: function.name.wit.to_string() };
                operations.push(operation.ok_or_else(parameter)?);
            }
        }
        let document = openapi(worlds, API_TITLE, env!("CARGO_PKG_VERSION"));
        let document = serde_json::to_vec(&document).map_err(|source| GatewayError::Openapi { source })?;
        let (routes, openapi) = (Routes::new(operations)?, Document::new(document.into()));
        Ok(Self { worlds: Arc::clone(worlds), routes, openapi })
    }
}

/// The routes for new requests and the previous ones, which some requests still use just after a swap.
#[derive(Debug)]
pub(in crate::gateway) struct PublicApis(ArcSwap<[Arc<PublicApi>; 2]>);

impl PublicApis {
    pub(in crate::gateway) fn new(first: PublicApi) -> Self {
        let first = Arc::new(first);
        Self(ArcSwap::from_pointee([Arc::clone(&first), first]))
    }

    /// The routes of `worlds`, built at the first use, which is before requests run on them.
    pub(in crate::gateway) fn of(&self, worlds: &Worlds) -> Arc<PublicApi> {
        let known = self.0.load();
        if let Some(api) = known.iter().find(|api| Arc::ptr_eq(&api.worlds, worlds)) {
            return Arc::clone(api);
        }
        let [current, _before] = &**known;
        match PublicApi::new(worlds).map(Arc::new) {
            Ok(api) => {
                self.0.store(Arc::new([Arc::clone(&api), Arc::clone(current)]));
                api
            }
            // Conflicting contracts are never deployed; if it happens anyway, the previous routes are served.
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the routes of the new contracts conflict");
                Arc::clone(current)
            }
        }
    }
}
