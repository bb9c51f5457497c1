//! The public API over real sockets: exact request bytes, and the answers to them.

mod answers;
mod assets;
mod connections;
mod following;
mod framing;
mod heads;
mod log;
mod requests;
mod rig;
mod tls;
