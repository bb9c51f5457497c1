//! The files in `deploy/` are what they say: units that systemd understands, objects of Kubernetes without a misspelled
//! field, values that the chart of NATS knows, and a manifest that a host loads.

mod kubernetes;
mod nats_values;
mod systemd;
mod yaml;

use crate::guest::workspace;

/// The text of a file in `deploy/`.
fn text(file: &str) -> String {
    let path = workspace().join("deploy").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
