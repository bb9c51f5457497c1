//! Takes an address to listen on.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::error::StartError;

/// Binds an address; clients can connect at once.
pub(super) async fn listen(address: SocketAddr, flag: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, flag, source })
}
