//! A listening socket that a restarted server can reuse, and that closes when the host stops.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;

/// A listening socket. Clones share it.
#[derive(Debug, Clone)]
pub struct Listener(Arc<Mutex<Option<Arc<TcpListener>>>>);

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self(Arc::new(Mutex::new(Some(Arc::new(listener)))))
    }
}

impl Listener {
    /// The socket; `None` after [`Listener::close`].
    pub(in crate::gateway) fn socket(&self) -> Option<Arc<TcpListener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes the socket as soon as no one accepts on it; new clients are then refused instead of waiting.
    pub(in crate::gateway) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
