//! A link between two processes: a listener that passes everything on, until it is cut or slow.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Bytes that pass at once: a slow link delays each such piece.
const PIECE_BYTES: usize = 16 * 1024;

/// What a link does with what is sent over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    Whole,
    /// Each piece arrives so much later.
    Slow(Duration),
    /// Nothing arrives until the link is whole again; then it does.
    HoldsBack,
    /// Connections end, and no new one stays open.
    Cut,
}

/// A link. It ends when this is dropped.
#[derive(Debug)]
pub struct Link {
    /// Where connections are accepted.
    pub address: SocketAddr,
    state: watch::Sender<LinkState>,
    _accepts: JoinSet<()>,
}

impl Link {
    /// A whole link to `target`.
    ///
    /// # Errors
    ///
    /// When there is no port left.
    pub async fn to(target: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (state, states) = watch::channel(LinkState::Whole);
        let mut accepts = JoinSet::new();
        accepts.spawn(accept(listener, target, states));
        Ok(Self { address, state, _accepts: accepts })
    }

    pub fn set(&self, state: LinkState) {
        self.state.send_replace(state);
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, states: watch::Receiver<LinkState>) {
    // As many as the processes of a test open.
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(connect(near, target, states.clone()));
    }
}

/// Passes everything on until one side ends, or the link is cut.
async fn connect(near: TcpStream, target: SocketAddr, states: watch::Receiver<LinkState>) {
    let mut cut = states.clone();
    let passes = async {
        passable(&mut states.clone()).await;
        let Ok(far) = TcpStream::connect(target).await else { return };
        // A link adds no delay of its own.
        if near.set_nodelay(true).and_then(|()| far.set_nodelay(true)).is_err() {
            return;
        }
        let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
        tokio::join!(pass(near_read, far_write, states.clone()), pass(far_read, near_write, states));
    };
    tokio::select! {
        () = passes => {}
        _ = cut.wait_for(|state| *state == LinkState::Cut) => {}
    }
}

/// Passes on what comes from one side. Its end is passed on too; an error is an end.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut states: watch::Receiver<LinkState>,
) {
    let mut piece = vec![0; PIECE_BYTES];
    while let Ok(length) = from.read(&mut piece).await {
        passable(&mut states).await;
        let Some(read) = piece.get(..length).filter(|read| !read.is_empty()) else { break };
        if to.write_all(read).await.is_err() {
            break;
        }
    }
    // The other side may be gone already.
    let _ended = to.shutdown().await;
}

/// Resolves when a piece may pass.
async fn passable(states: &mut watch::Receiver<LinkState>) {
    // Without a sender the link is being dropped, and with it this connection.
    if let Ok(state) =
        states.wait_for(|state| matches!(state, LinkState::Whole | LinkState::Slow(_))).await.map(|state| *state)
        && let LinkState::Slow(delay) = state
    {
        tokio::time::sleep(delay).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A listener that sends back what it gets, and a link to it.
    async fn echo() -> (Link, JoinSet<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let link = Link::to(listener.local_addr().expect("an address")).await.expect("a link");
        let mut echoes = JoinSet::new();
        echoes.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                connections.spawn(async move {
                    let (mut read, mut write) = stream.split();
                    tokio::io::copy(&mut read, &mut write).await
                });
            }
        });
        (link, echoes)
    }

    async fn back(stream: &mut TcpStream) -> Option<u8> {
        tokio::time::timeout(Duration::from_secs(5), stream.read_u8()).await.ok()?.ok()
    }

    #[tokio::test]
    async fn a_cut_link_ends_its_connections_and_accepts_none_until_it_is_mended() {
        let (link, _echoes) = echo().await;
        let mut open = TcpStream::connect(link.address).await.expect("a connection");
        open.write_u8(1).await.expect("it is open");
        assert_eq!(back(&mut open).await, Some(1));
        link.set(LinkState::Cut);
        assert_eq!(back(&mut open).await, None);
        let mut refused = TcpStream::connect(link.address).await.expect("the listener is there");
        assert_eq!(back(&mut refused).await, None);
        link.set(LinkState::Whole);
        let mut again = TcpStream::connect(link.address).await.expect("a connection");
        again.write_u8(2).await.expect("it is open");
        assert_eq!(back(&mut again).await, Some(2));
    }

    #[tokio::test]
    async fn a_link_that_holds_back_delivers_later() {
        let (link, _echoes) = echo().await;
        let mut open = TcpStream::connect(link.address).await.expect("a connection");
        open.write_u8(1).await.expect("it is open");
        assert_eq!(back(&mut open).await, Some(1));
        link.set(LinkState::HoldsBack);
        open.write_u8(2).await.expect("it is open");
        let early = tokio::time::timeout(Duration::from_millis(100), open.read_u8()).await;
        assert!(early.is_err(), "{early:?}");
        link.set(LinkState::Whole);
        assert_eq!(back(&mut open).await, Some(2));
    }
}
