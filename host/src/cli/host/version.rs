//! `switchyard version`: the build of this program, and of the running host.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::admin::Version as OwnVersion;
use crate::cli::arguments::Version as Command;
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};

/// A version, as far as it is shown.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Version {
    switchyard: String,
    commit: String,
    wasmtime: String,
    formats: std::collections::BTreeMap<String, u64>,
}

pub(in crate::cli) fn run(command: &Command) -> Outcome {
    let own = serde_json::to_value(OwnVersion::of_this()).and_then(serde_json::from_value::<Version>);
    let own = own.map_err(|error| Failure::new(Kind::Refused, error))?;
    let host: Option<Version> = match command.of_host {
        true => Some(Request::get(&["version"]).send(&Target::find(&command.host)?)?.accepted(false)?.read()?),
        false => None,
    };
    if command.host.json {
        return Ok(match host {
            Some(host) => json!({"program": own, "host": host}).to_string(),
            None => json!(own).to_string(),
        });
    }
    let Some(host) = host else { return Ok(text(&own)) };
    let note = match host == own {
        true => "the host runs this version",
        false => "the host runs another version: restart it to use this one",
    };
    Ok(format!("{}\nhost:\n{}\n{note}", text(&own), text(&host)))
}

fn text(version: &Version) -> String {
    let Version { switchyard, commit, wasmtime, formats } = version;
    let formats: Vec<_> = formats.iter().map(|(name, format)| format!("{name} {format}")).collect();
    format!(
        "switchyard {switchyard}\n  commit:    {commit}\n  wasmtime:  {wasmtime}\n  formats:   {}",
        formats.join(", ")
    )
}
