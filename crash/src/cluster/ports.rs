//! Ports that a process gets again after it was killed.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Below those that the system gives to outgoing connections, and other than those of `bench cluster`.
const PORTS: std::ops::Range<u16> = 10_500..20_000;

/// `count` free ports of the loopback interface.
pub(super) fn free(count: usize) -> anyhow::Result<Vec<SocketAddr>> {
    // Two tests at a time begin at different places.
    let first = PORTS.start + u16::try_from(std::process::id() % 8_000)?;
    let bound = (first..PORTS.end).filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    // All are held until the last one is found.
    let held: Vec<_> = bound.take(count).collect();
    anyhow::ensure!(held.len() == count, "there are no {count} free ports from {first} to {}", PORTS.end);
    held.iter().map(|listener| Ok(listener.local_addr()?)).collect()
}
