//! The operations of the contracts: their routes, their arguments and answers, and the document that describes them.

pub(super) mod openapi;
pub(super) mod operation;
pub(super) mod public_api;
pub(super) mod routes;
