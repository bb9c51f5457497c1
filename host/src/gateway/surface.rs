//! What the contracts make of the public side: the routes and the OpenAPI document. Made anew when a contract changes.
//!
//! Invariant: a request is routed by the contracts of the releases that it runs on.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::document::Document;
use super::front::GatewayError;
use super::operation::Operation;
use super::routes::Routes;
use crate::call::Worlds;
use crate::contract::{Reach, openapi};

/// The title of the OpenAPI document: the host knows no better name for what it serves.
const API_TITLE: &str = "Services";

/// The routes of some contracts.
#[derive(Debug)]
pub(super) struct Surface {
    worlds: Worlds,
    pub(super) routes: Routes,
    pub(super) openapi: Document,
}

impl Surface {
    pub(super) fn new(worlds: &Worlds) -> Result<Self, GatewayError> {
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

/// The surface that the last request met.
#[derive(Debug)]
pub(super) struct Surfaces(ArcSwap<Surface>);

impl Surfaces {
    pub(super) fn new(first: Surface) -> Self {
        Self(ArcSwap::from_pointee(first))
    }

    /// The surface of `worlds`.
    pub(super) fn of(&self, worlds: &Worlds) -> Arc<Surface> {
        let current = self.0.load_full();
        if Arc::ptr_eq(&current.worlds, worlds) {
            return current;
        }
        match Surface::new(worlds).map(Arc::new) {
            Ok(surface) => {
                self.0.store(Arc::clone(&surface));
                surface
            }
            // Contracts that do not go together are not deployed; should they be, the earlier routes are served.
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the new contracts have no routes");
                current
            }
        }
    }
}
