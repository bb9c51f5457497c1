//! What the host gives a component beside its contract: which imports are for everybody, and which are by grant.

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

/// Which kind of component asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Importer {
    /// One that serves a contract.
    Service,
    /// A raw `wasi:http` component, which may use WASI 0.3 too.
    Http,
}

/// How an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ImportRule {
    /// For every component.
    Given,
    /// For a service whose section of the manifest names `outbound_hosts`.
    ByGrant,
    Unknown,
}

/// One package of the host's offer.
struct Offer {
    package: &'static str,
    /// `0.2` stands for every release of that track, `0.2.0-draft2` for itself.
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

/// Files and sockets are there because runtimes import them without use: there is nothing in the one, and the other
/// refuses everything.
const FOR_ALL: &[Offer] = &[
    Offer { package: "wasi:cli", version: "0.2", interfaces: CLI },
    Offer { package: "wasi:clocks", version: "0.2", interfaces: &["monotonic-clock", "wall-clock"] },
    Offer { package: "wasi:io", version: "0.2", interfaces: &["error", "poll", "streams"] },
    Offer { package: "wasi:random", version: "0.2", interfaces: RANDOM },
    Offer { package: "wasi:filesystem", version: "0.2", interfaces: &["types", "preopens"] },
    Offer { package: "wasi:sockets", version: "0.2", interfaces: SOCKETS },
    Offer { package: "wasi:keyvalue", version: "0.2.0-draft2", interfaces: &["store", "atomics", "batch"] },
    Offer { package: "switchyard:service", version: "0.1", interfaces: &["store", "caller"] },
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

/// How the import `name` (`wasi:io/streams@0.2.9`) stands for a component.
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

/// Whether an interface is the host's own, or WASI's, and not part of a contract.
pub(super) fn is_host(name: &str) -> bool {
    name.starts_with("wasi:") || is_service(name)
}

/// Whether an interface or world is of the package that describes the host's own offer.
pub(super) fn is_service(name: &str) -> bool {
    name.starts_with("switchyard:service/")
}

/// Whether an interface is the one by which a component brings its data to its version: the host uses it where a component
/// exports it, and no contract asks for it.
pub(super) fn is_migration(name: &str) -> bool {
    name.split('@').next() == Some("switchyard:service/migration")
}

/// The version of `wasi:http` by which a component that exports `name` takes requests, if it does.
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

/// Whether a version is of a track (`0.2.9` of `0.2`), or exactly the one that is asked for.
fn on_track(version: &str, track: &str) -> bool {
    let patch = version.strip_prefix(track).and_then(|rest| rest.strip_prefix('.'));
    let released = |patch: &str| !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit());
    version == track || track.matches('.').count() == 1 && patch.is_some_and(released)
}
