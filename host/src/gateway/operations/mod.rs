//! The operations of the contracts: their routes, arguments and answers, and their OpenAPI document.

pub(super) mod openapi;
pub(super) mod operation;
pub(super) mod public_api;
pub(super) mod routes;
