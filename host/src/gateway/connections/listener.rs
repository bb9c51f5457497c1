//! A listening socket that a restarted server finds again, and that is closed when the host stops.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;

/// A listening socket. Clones are the same one.
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

    /// Closes the socket once nobody accepts on it any more: clients are then refused instead of waiting.
    pub(in crate::gateway) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
