//! The unit of systemd: its sections and keys are known, each key is in its section, and its values fit the host.

use std::collections::BTreeMap;

use switchyard::config::{Flags, load};

use super::text;

/// The keys that units have, of those that a service like this one may use (systemd.unit(5), systemd.service(5),
/// systemd.exec(5), systemd.kill(5), systemd.resource-control(5)).
const KNOWN: [(&str, &[&str]); 3] = [
    ("Unit", &["Description", "Documentation", "Wants", "After", "StartLimitIntervalSec"]),
    (
        "Service",
        &[
            "Type",
            "User",
            "Group",
            "Environment",
            "EnvironmentFile",
            "ExecStart",
            "ExecReload",
            "KillSignal",
            "KillMode",
            "TimeoutStopSec",
            "Restart",
            "RestartSec",
            "RestartPreventExitStatus",
            "StateDirectory",
            "StateDirectoryMode",
            "ConfigurationDirectory",
            "WorkingDirectory",
            "UMask",
            "LimitNOFILE",
            "LimitCORE",
            "TasksMax",
            "NoNewPrivileges",
            "CapabilityBoundingSet",
            "AmbientCapabilities",
            "ProtectSystem",
            "ProtectHome",
            "PrivateTmp",
            "PrivateDevices",
            "ProtectProc",
            "ProtectClock",
            "ProtectHostname",
            "ProtectKernelLogs",
            "ProtectKernelModules",
            "ProtectKernelTunables",
            "ProtectControlGroups",
            "RestrictAddressFamilies",
            "RestrictNamespaces",
            "RestrictRealtime",
            "RestrictSUIDSGID",
            "LockPersonality",
            "RemoveIPC",
            "SystemCallArchitectures",
            "SystemCallFilter",
            "SystemCallErrorNumber",
        ],
    ),
    ("Install", &["WantedBy"]),
];

type Unit = BTreeMap<(String, String), Vec<String>>;

/// The values of each key of each section.
///
/// # Errors
///
/// A line that is none of a unit, or a section or key that is not known there.
fn parse(text: &str) -> Result<Unit, String> {
    let (mut unit, mut section) = (Unit::new(), None);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = Some(KNOWN.iter().find(|(known, _)| *known == name).ok_or(format!("no section {name}"))?);
            continue;
        }
        let (key, value) = line.split_once('=').ok_or(format!("neither a section nor a key: {line}"))?;
        let (name, keys) = section.ok_or(format!("{key} is in no section"))?;
        if !keys.contains(&key) {
            return Err(format!("{key} is no key of {name}"));
        }
        unit.entry(((*name).to_owned(), key.to_owned())).or_default().push(value.to_owned());
    }
    Ok(unit)
}

fn unit() -> Unit {
    parse(&text("systemd/switchyard.service")).unwrap()
}

fn values<'a>(unit: &'a Unit, key: &str) -> &'a [String] {
    unit.get(&("Service".to_owned(), key.to_owned())).map_or(&[], Vec::as_slice)
}

#[test]
fn the_unit_has_only_known_sections_and_keys() {
    let unit = unit();
    assert_eq!(values(&unit, "ExecStart"), ["/usr/local/bin/switchyard up"]);
    assert_eq!(unit[&("Install".to_owned(), "WantedBy".to_owned())], ["multi-user.target"]);
    let lines = text("systemd/switchyard.service").replace("[Unit]\n", "[Unit]\nRestartSec=1\n");
    assert_eq!(parse(&lines), Err("RestartSec is no key of Unit".into()));
    assert_eq!(parse("[Service]\nPrivateTemp=yes"), Err("PrivateTemp is no key of Service".into()));
    assert_eq!(parse("[Servce]\n"), Err("no section Servce".into()));
    assert_eq!(parse("Type=exec"), Err("Type is in no section".into()));
}

#[test]
fn the_unit_sends_the_signals_of_the_host_and_waits_for_its_drain() {
    let unit = unit();
    assert_eq!(values(&unit, "KillSignal"), ["SIGTERM"]);
    assert_eq!(values(&unit, "ExecReload"), ["/bin/kill -HUP $MAINPID"]);
    assert_eq!(values(&unit, "Restart"), ["always"]);
    let stop: u64 = values(&unit, "TimeoutStopSec")[0].parse().unwrap();
    let defaults = switchyard::config::defaults().unwrap();
    assert!(stop * 1_000 >= defaults.host.drain_ms_max + 10_000);
    let descriptors: u64 = values(&unit, "LimitNOFILE")[0].parse().unwrap();
    assert!(descriptors >= 2 * defaults.gateway.connections_max as u64);
    assert_eq!(values(&unit, "MemoryDenyWriteExecute"), [""; 0], "compiled code would not run");
}

#[test]
fn the_variables_of_the_unit_are_settings_and_its_data_is_where_it_may_write() {
    let unit = unit();
    let pair = |line: &String| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let variables: Vec<_> = values(&unit, "Environment").iter().map(|line| pair(line).unwrap()).collect();
    let shop = crate::guest::workspace().join("switchyard.toml");
    let manifest = load(&shop, &variables, Flags::default()).unwrap().manifest;
    let state = format!("/var/lib/{}", values(&unit, "StateDirectory")[0]);
    assert!(manifest.host.data.starts_with(&state), "{}", manifest.host.data.display());
    let names: Vec<_> = variables.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [switchyard::config::MANIFEST_VARIABLE, "SWITCHYARD_HOST_DATA"]);
}
