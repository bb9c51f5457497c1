//! The public side over real sockets: what a client sends, byte by byte, and what it gets.

mod answers;
mod assets;
mod connections;
mod framing;
mod log;
mod requests;
mod rig;
mod tls;
