//! The ports of the cluster on the loopback interface: consecutive ones, so that one number moves them all.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context as _, bail};

/// Servers and hosts of each kind.
pub(super) const NODES: u16 = 3;

/// Kinds of ports: public, operator's, between hosts; clients of NATS, its monitoring, between its servers.
const KINDS: u16 = 6;

/// The first port. `cargo xtask up` uses 8080 and 8081, a host by itself 7900, and NATS 4222, 6222 and 8222.
const FIRST: u16 = 8180;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ports(u16);

/// What a port is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Public,
    Operator,
    Nodes,
    NatsClients,
    NatsMonitoring,
    NatsRoutes,
}

impl Ports {
    /// The ports that `options` choose.
    pub(super) fn parse(options: &[String]) -> anyhow::Result<Self> {
        let first = match options {
            [] => FIRST,
            [name, port] if name == "--ports-from" => port.parse().ok().context(WRONG)?,
            [option] => option.strip_prefix("--ports-from=").and_then(|port| port.parse().ok()).context(WRONG)?,
            _ => bail!(WRONG),
        };
        if !(1024..=u16::MAX - NODES * KINDS).contains(&first) {
            bail!("--ports-from {first}: choose the first of {} ports between 1024 and 65535", NODES * KINDS);
        }
        Ok(Self(first))
    }

    /// The address of the server or host `number`, counted from 0.
    pub(super) fn address(self, kind: Kind, number: u16) -> String {
        format!("127.0.0.1:{}", self.0 + kind as u16 * NODES + number)
    }

    /// Checks that nobody listens at any of them.
    pub(super) fn check_free(self) -> anyhow::Result<()> {
        for port in self.0..self.0 + NODES * KINDS {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| {
                format!(
                    "port {port} of 127.0.0.1 is taken: end the program that listens there (`ss -ltnp` shows it), \
                     or use other ports: cargo xtask cluster --ports-from {}",
                    if self.0 == 9180 { 10_180 } else { 9180 }
                )
            })?;
        }
        Ok(())
    }
}

const WRONG: &str = "usage: cargo xtask cluster [--ports-from PORT]";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_moves_all_ports_and_no_two_are_the_same() {
        let parse = |line: &str| Ports::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(parse("").expect("the defaults"), Ports(8180));
        assert_eq!(parse("--ports-from 9000").expect("a port"), Ports(9000));
        assert_eq!(parse("--ports-from=9000").expect("a port"), Ports(9000));
        for wrong in ["--ports-from", "--ports-from x", "--ports-from 80", "--ports-from 65530", "--listen 1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        use Kind::{NatsClients, NatsMonitoring, NatsRoutes, Nodes, Operator, Public};
        let kinds = [Public, Operator, Nodes, NatsClients, NatsMonitoring, NatsRoutes];
        let addresses = kinds.iter().flat_map(|kind| (0..NODES).map(|number| Ports(9000).address(*kind, number)));
        let expected = (9000..9000 + NODES * KINDS).map(|port| format!("127.0.0.1:{port}"));
        assert!(addresses.eq(expected));
    }

    #[test]
    fn a_taken_port_is_named_with_what_to_do() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = taken.local_addr().expect("an address").port();
        // The taken one is not always the first that is checked.
        let error = Ports(port.min(u16::MAX - NODES * KINDS)).check_free().expect_err("it is taken");
        assert!(error.to_string().contains("is taken: end the program that listens there"), "{error}");
    }
}
