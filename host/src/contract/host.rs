//! The imports that the host offers beyond the contract: those for every component, and those that need a grant.

use serde::Serialize;

/// The versions of `wasi:http` whose components the host serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum HttpVersion {
    /// 0.2, by `incoming-handler`.
    #[serde(rename = "0.2")]
    V02,
    /// 0.3, by `handler`.
    #[serde(rename = "0.3")]
    V03,
}

/// The kind of the importing component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Importer {
    /// One that serves a contract.
    Service,
    /// A raw `wasi:http` component, which may use WASI 0.3 too.
    Http,
}

/// Whether the host allows an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ImportRule {
    /// For every component.
    Given,
    /// For a service whose section of the manifest names `outbound_hosts`.
    ByGrant,
    Unknown,
}

/// One package that the host offers.
struct Offer {
    package: &'static str,
    /// `0.2` means every release of that track; `0.2.0-draft2` means exactly that version.
    version: &'static str,
    interfaces: &'static [&'static str],
}

const CLI: &[&str] = &[
    "environment",
    "exit",
    "stdin",
    "stdout",
    "stderr",
    "terminal-input",
    "terminal-output",
    "terminal-stdin",
    "terminal-stdout",
    "terminal-stderr",
];
const RANDOM: &[&str] = &["random", "insecure", "insecure-seed"];
const SOCKETS: &[&str] =
    &["network", "instance-network", "ip-name-lookup", "tcp", "tcp-create-socket", "udp", "udp-create-socket"];

/// Runtimes import files and sockets without using them. The filesystem is empty, and every socket call is refused.
const FOR_ALL: &[Offer] = &[
    Offer { package: "wasi:cli", version: "0.2", interfaces: CLI },
    Offer { package: "wasi:clocks", version: "0.2", interfaces: &["monotonic-clock", "wall-clock"] },
    Offer { package: "wasi:io", version: "0.2", interfaces: &["error", "poll", "streams"] },
    Offer { package: "wasi:random", version: "0.2", interfaces: RANDOM },
    Offer { package: "wasi:filesystem", version: "0.2", interfaces: &["types", "preopens"] },
    Offer { package: "wasi:sockets", version: "0.2", interfaces: SOCKETS },
    Offer { package: "wasi:keyvalue", version: "0.2.0-draft2", interfaces: &["store", "atomics", "batch"] },
    Offer { package: "wasi:config", version: "0.2.0-rc.1", interfaces: &["store"] },
    Offer { package: "switchyard:service", version: "0.1", interfaces: &["store", "caller", "call"] },
];

const FOR_HTTP: &[Offer] = &[
    Offer { package: "wasi:http", version: "0.2", interfaces: &["types"] },
    Offer { package: "wasi:http", version: "0.3", interfaces: &["types"] },
    Offer { package: "wasi:cli", version: "0.3", interfaces: CLI },
    Offer { package: "wasi:cli", version: "0.3", interfaces: &["types"] },
    Offer {
        package: "wasi:clocks",
        version: "0.3",
        interfaces: &["types", "monotonic-clock", "system-clock", "timezone"],
    },
    Offer { package: "wasi:random", version: "0.3", interfaces: RANDOM },
    Offer { package: "wasi:filesystem", version: "0.3", interfaces: &["types", "preopens"] },
    Offer { package: "wasi:sockets", version: "0.3", interfaces: &["types", "ip-name-lookup"] },
];

const SERVICE_GRANTS: &[Offer] =
    &[Offer { package: "wasi:http", version: "0.2", interfaces: &["types", "outgoing-handler"] }];

const HTTP_GRANTS: &[Offer] = &[
    Offer { package: "wasi:http", version: "0.2", interfaces: &["outgoing-handler"] },
    Offer { package: "wasi:http", version: "0.3", interfaces: &["client"] },
];

/// The rule for the import `name` (`wasi:io/streams@0.2.9`) of a component.
pub(super) fn import_rule(name: &str, asker: Importer) -> ImportRule {
    let offered = |offers: &[Offer]| offers.iter().any(|offer| offer.holds(name));
    let (more, grants) = match asker {
        Importer::Service => (&[] as &[Offer], SERVICE_GRANTS),
        Importer::Http => (FOR_HTTP, HTTP_GRANTS),
    };
    match () {
        () if offered(FOR_ALL) || offered(more) => ImportRule::Given,
        () if offered(grants) => ImportRule::ByGrant,
        () => ImportRule::Unknown,
    }
}

/// Whether an interface belongs to the host or to WASI, and so to no contract.
pub(super) fn is_host(name: &str) -> bool {
    name.starts_with("wasi:") || is_service(name)
}

/// Whether an interface or world is in the package that describes the host.
pub(super) fn is_service(name: &str) -> bool {
    name.starts_with("switchyard:service/")
}

/// Whether this is the interface for data migrations. A component may export it, and the host then calls it; no
/// contract requires it.
pub(super) fn is_migration(name: &str) -> bool {
    name.split('@').next() == Some("switchyard:service/migration")
}

/// The interface of a contract's package by which the state of the service moves. A component may export it, and only
/// the host calls it.
pub(super) const STATE: &str = "state";

/// Whether an interface is called [`STATE`].
pub(super) fn is_state(name: &str) -> bool {
    name.split('@').next().and_then(|plain| plain.rsplit_once('/')).is_some_and(|(_, interface)| interface == STATE)
}

/// The version of `wasi:http` in which a component that exports `name` handles requests; `None` if it does not.
pub(super) fn serves_http(name: &str) -> Option<HttpVersion> {
    const V02: Offer = Offer { package: "wasi:http", version: "0.2", interfaces: &["incoming-handler"] };
    const V03: Offer = Offer { package: "wasi:http", version: "0.3", interfaces: &["handler"] };
    match () {
        () if V02.holds(name) => Some(HttpVersion::V02),
        () if V03.holds(name) => Some(HttpVersion::V03),
        () => None,
    }
}

impl Offer {
    fn holds(&self, name: &str) -> bool {
        split(name).is_some_and(|(package, interface, version)| {
            package == self.package && self.interfaces.contains(&interface) && on_track(version, self.version)
        })
    }
}

/// Package, interface and version of a full name.
fn split(name: &str) -> Option<(&str, &str, &str)> {
    let (name, version) = name.split_once('@')?;
    let (package, interface) = name.split_once('/')?;
    Some((package, interface, version))
}

/// Whether a version is on a track (`0.2.9` on `0.2`), or equals the requested version.
fn on_track(version: &str, track: &str) -> bool {
    let patch = version.strip_prefix(track).and_then(|rest| rest.strip_prefix('.'));
    let released = |patch: &str| !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit());
    version == track || track.matches('.').count() == 1 && patch.is_some_and(released)
}
