//! Raw `wasi:http` components, of 0.2 and 0.3: components that other hosts can serve run here unmodified.
//!
//! Each request gets a fresh instance and a transaction on the store of its service, which ends when the response begins.
//! The bodies of request and response are streams: a guest that does not read delays its client, and a client that does
//! not read delays the guest. The components have WASI as on other hosts, with the clocks of the machine, but without
//! files and sockets, and the interfaces that all components have.

mod body;
mod error_code;
mod frame;
mod handle;
mod program;
mod request_body;
mod run;
mod smoke;
mod state;
mod views;

pub use body::{BodyError, HttpBody};
pub use frame::{HttpFrame, ResponseObserver, Slot};
pub use handle::BegunResponse;
pub use program::HttpProgram;
pub(super) use program::link;
pub use request_body::RequestBodyError;
pub use smoke::HttpSmoke;
