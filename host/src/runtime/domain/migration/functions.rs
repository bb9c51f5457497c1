//! The functions of the interface, as types of a contract.

use std::sync::Arc;

use crate::contract::{Field, Function, Name, Reach, Record, Type};

/// The interface name in components that were built for this host. Compatible versions are accepted too.
pub(super) const INTERFACE: &str = "switchyard:service/migration@0.1.0";

/// The functions of the interface, as types of a contract.
#[derive(Debug)]
pub(in crate::runtime::domain) struct Migration {
    pub(in crate::runtime::domain) describe: Arc<Function>,
    pub(in crate::runtime::domain) migrate: Arc<Function>,
}

impl Migration {
    pub(in crate::runtime::domain) fn new() -> Self {
        let field = |name, ty| Field::new(Name::new(name), ty);
        let number = |name| field(name, Type::U32);
        let data = Record {
            name: "data".into(),
            interface: INTERFACE.into(),
            docs: "".into(),
            fields: vec![
                field("format", Type::String),
                number("version"),
                number("reads-up-to"),
                number("pause-ms-max"),
            ],
        };
        let describe = Function {
            interface: INTERFACE.into(),
            name: Name::new("describe"),
            docs: "".into(),
            parameters: Vec::new(),
            ok: Some(Type::Record(Arc::new(data))),
            err: None,
            fallible: false,
            reach: Reach::Read,
            roles: Vec::new(),
            calls_in_flight_max: None,
        };
        let migrate = Function {
            name: Name::new("migrate"),
            parameters: vec![number("from")],
            ok: None,
            err: Some(Type::String),
            fallible: true,
            reach: Reach::Internal,
            ..describe.clone()
        };
        Self { describe: Arc::new(describe), migrate: Arc::new(migrate) }
    }

    pub(in crate::runtime::domain) fn functions(&self) -> [&Arc<Function>; 2] {
        [&self.describe, &self.migrate]
    }
}
