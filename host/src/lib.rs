//! Switchyard: one host that runs services as sandboxed WebAssembly components over their own transactional stores.
//!
//! Its parts, lowest first; a part may use only those before it in this list, and a test keeps it so:
//! `limits`, `names`, `fail_point`, `clock`, `observe`, `tasks`, `config`, `contract`, `value`, `journal`, `store`, `runtime`, `call`,
//! `events`, `release`, `gateway`, `admin`, `platform`, `cli`.

pub mod admin;
pub mod call;
pub mod cli;
pub mod clock;
pub mod config;
pub mod contract;
pub mod events;
pub mod fail_point;
pub mod gateway;
pub mod journal;
pub mod limits;
pub mod names;
pub mod observe;
pub mod platform;
pub mod release;
pub mod runtime;
pub mod store;
pub mod tasks;
pub mod value;
