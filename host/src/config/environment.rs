//! The environment: `SWITCHYARD_<SECTION>_<KEY>` overrides the manifest.

use serde::Deserialize as _;
use toml::{Table, Value};

use super::error::{Origin, Origins, Problem};
use super::keys::{Section, instead_of};
use super::settings::Manifest;
use crate::fail_point;

/// The prefix of all settings.
pub(super) const PREFIX: &str = "SWITCHYARD_";

/// The admin token; it replaces the one in the data directory.
pub const TOKEN_VARIABLE: &str = "SWITCHYARD_ADMIN_TOKEN";

/// The admin address of the host and the manifest, for the command line.
pub const ADMIN_VARIABLE: &str = "SWITCHYARD_ADMIN";
pub const MANIFEST_VARIABLE: &str = "SWITCHYARD_MANIFEST";

/// A file with a token, for the command line.
pub const TOKEN_FILE_VARIABLE: &str = "SWITCHYARD_TOKEN_FILE";

/// The certificates that the command line checks a host against.
pub const CA_VARIABLE: &str = "SWITCHYARD_CA";

/// Kubernetes puts these into the pods of a service that is itself named `switchyard`.
const ORCHESTRATOR_PREFIXES: [&str; 2] = ["SWITCHYARD_SERVICE_", "SWITCHYARD_PORT"];

/// The variables of this process. Variables that are not UTF-8 are ignored.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Applies the variables of `environment` to `manifest`. Returns every variable that names no setting or has a value of
/// the wrong type.
pub(super) fn apply(
    manifest: Manifest,
    origins: &mut Origins,
    environment: &[(String, String)],
) -> (Manifest, Vec<Problem>) {
    let ours = environment.iter().filter(|(name, _)| {
        let others = [TOKEN_VARIABLE, TOKEN_FILE_VARIABLE, ADMIN_VARIABLE, CA_VARIABLE, MANIFEST_VARIABLE];
        let orchestrator = ORCHESTRATOR_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        let is_ours = !others.contains(&name.as_str()) && !fail_point::VARIABLES.contains(&name.as_str());
        name.starts_with(PREFIX) && is_ours && !orchestrator
    });
    let (mut manifest, mut problems) = (manifest, Vec::new());
    for (variable, text) in ours {
        let origin = Origin::Variable(variable.clone());
        let set = setting(variable).and_then(|(section, key)| {
            let set = set(&manifest, section, key, text)?;
            origins.set(format!("{section}.{key}"), origin.clone());
            Ok(set)
        });
        match set {
            Ok(changed) => manifest = changed,
            Err(detail) => problems.push(Problem { origin, detail }),
        }
    }
    (manifest, problems)
}

/// The section and key of a variable, or an error text.
fn setting(variable: &str) -> Result<(&'static str, &'static str), String> {
    let known: Vec<_> =
        Section::NAMED.iter().flat_map(|(name, section)| section.keys().iter().map(move |key| (*name, *key))).collect();
    let name_of = |(section, key): &(&str, &str)| format!("{PREFIX}{section}_{key}").to_ascii_uppercase();
    known.iter().copied().find(|setting| name_of(setting) == variable).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(name_of).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        format!("names no setting: {}", hint(variable, &names))
    })
}

/// The setting that was probably meant: with the same key in another section, or a similar name.
fn hint(variable: &str, names: &[&str]) -> String {
    let key_of = |name: &str| name.strip_prefix(PREFIX).and_then(|name| Some(name.split_once('_')?.1.to_owned()));
    // The variable may have no section, or another one.
    let (whole, key) = (variable.strip_prefix(PREFIX).unwrap_or(variable), key_of(variable));
    let has_key = |name: &&&str| key_of(name).is_some_and(|found| found == whole || Some(&found) == key.as_ref());
    match names.iter().filter(has_key).collect::<Vec<_>>().as_slice() {
        [] => instead_of(variable, names),
        found => {
            let found: Vec<_> = found.iter().map(|name| format!("`{name}`")).collect();
            format!("did you mean {}?", found.join(" or "))
        }
    }
}

/// `manifest` with one setting changed to `text`, which is read as a TOML value if that fits the setting, or else as
/// plain text.
fn set(manifest: &Manifest, section: &str, key: &str, text: &str) -> Result<Manifest, String> {
    let with = |value: Value| -> Result<Manifest, toml::de::Error> {
        let mut table = Table::try_from(manifest).map_err(serde::de::Error::custom)?;
        if let Some(Value::Table(section)) = table.get_mut(section) {
            section.insert(key.into(), value);
        }
        Manifest::deserialize(table)
    };
    let plain = with(Value::String(text.into()));
    let literal = text.parse::<Value>().map(with);
    match (plain, literal) {
        (Ok(manifest), _) | (Err(_), Ok(Ok(manifest))) => Ok(manifest),
        (Err(_), Ok(Err(error))) | (Err(error), Err(_)) => Err(error.message().into()),
    }
}
