//! `switchyard journal show`: the commits in order, with their writes. Shows values only with `--values`.

use std::io::{ErrorKind, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::source::{failed, histories};
use crate::cli::arguments::Show;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::cli::output::format::bytes;
use crate::cli::output::print;
use crate::clock;
use crate::journal::{HistoryError, Record, Section};
use crate::names::CommitSeq;

/// Why the output ends early.
enum Ended {
    Source(Failure),
    History(HistoryError),
    Write(std::io::Error),
}

impl From<HistoryError> for Ended {
    fn from(error: HistoryError) -> Self {
        Self::History(error)
    }
}

pub(super) fn run(command: &Show) -> Outcome {
    let shown = show(command, &mut std::io::stdout().lock());
    match shown {
        Ok(()) => Ok(String::new()),
        Err(Ended::Source(failure)) => Err(failure),
        Err(Ended::History(error)) => Err(failed(error)),
        // A reader such as `head` has seen enough.
        Err(Ended::Write(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(String::new()),
        Err(Ended::Write(error)) => Err(Failure::new(Kind::Refused, error)),
    }
}

fn show(command: &Show, out: &mut dyn Write) -> Result<(), Ended> {
    let histories = histories(&command.source).map_err(Ended::Source)?;
    for history in histories {
        let after = CommitSeq(command.from.unwrap_or(0).saturating_sub(1));
        // Older segments are gone, so the output begins with the first commit that is left.
        let begin = history.first().map_or(after, |first| after.max(CommitSeq(first.0 - 1)));
        history.each(begin, |number, record| {
            if command.to.is_some_and(|to| number.0 > to) {
                return Ok(false);
            }
            let of = |section: &Section| command.service.as_ref().is_none_or(|service| *service == section.service);
            if record.sections.iter().any(of) {
                let text = match command.source.json {
                    true => format!("{}\n", document(number, &record, command.values)),
                    false => text(number, &record, command.values),
                };
                print::write(out, &text).map_err(Ended::Write)?;
            }
            Ok::<_, Ended>(true)
        })?;
    }
    Ok(())
}

fn text(number: CommitSeq, record: &Record, values: bool) -> String {
    let services = record.sections.iter().map(|section| section.service.as_str()).collect::<Vec<_>>().join(" ");
    let at = clock::rfc_3339(record.time_unix_micros);
    let mut lines = format!("{} {at} {services} call {:?}\n", number.0, record.call);
    for section in &record.sections {
        if record.sections.len() > 1 {
            lines.push_str(&format!("  {}:\n", section.service));
        }
        section_lines(&mut lines, section, values);
    }
    lines
}

fn section_lines(lines: &mut String, section: &Section, values: bool) {
    for (key, value) in &section.writes {
        let key = key.to_string();
        let key = key.escape_debug();
        match value {
            None => lines.push_str(&format!("  - {key}\n")),
            Some(value) => {
                lines.push_str(&format!("  + {key}  {}{}\n", bytes(value.len() as u64), display_value(value, values)));
            }
        }
    }
    for event in &section.events {
        let (interface, function) = (event.interface.escape_debug(), event.function.escape_debug());
        let size = bytes(event.payload.len() as u64);
        lines.push_str(&format!("  ! {interface}.{function}  {size}{}\n", display_value(&event.payload, values)));
    }
    if let Some(version) = section.data_version {
        lines.push_str(&format!("  = the data now has version {version}\n"));
    }
    if section.dropped {
        lines.push_str("  = the store is dropped\n");
    }
}

/// A value after its size, if values are requested: as text if it is valid text, else in base64.
fn display_value(value: &[u8], values: bool) -> String {
    match (values, std::str::from_utf8(value)) {
        (false, _) => String::new(),
        (true, Ok(text)) => format!("  \"{}\"", text.escape_debug()),
        (true, Err(_)) => format!("  base64 {}", BASE64_STANDARD.encode(value)),
    }
}

fn document(number: CommitSeq, record: &Record, values: bool) -> Value {
    json!({
        "number": number.0,
        "at": clock::rfc_3339(record.time_unix_micros),
        "call": format!("{:?}", record.call),
        "stores": record.sections.iter().map(|section| section_document(section, values)).collect::<Vec<_>>(),
    })
}

fn section_document(section: &Section, values: bool) -> Value {
    let content = |value: &[u8], name: &str| {
        let mut members = json!({ "bytes": value.len() });
        if let (true, Some(members)) = (values, members.as_object_mut()) {
            match std::str::from_utf8(value) {
                Ok(text) => members.insert(name.into(), text.into()),
                Err(_) => members.insert("base64".into(), BASE64_STANDARD.encode(value).into()),
            };
        }
        members
    };
    let with = |mut members: Value, name: &str, value: &str| {
        if let Some(members) = members.as_object_mut() {
            members.shift_insert(0, name.into(), value.into());
        }
        members
    };
    let writes = section.writes.iter().map(|(key, value)| match value {
        Some(value) => with(content(value, "value"), "key", &key.to_string()),
        None => json!({ "key": key.to_string(), "deleted": true }),
    });
    let events = section.events.iter().map(|event| {
        let members = with(content(&event.payload, "payload"), "function", &event.function);
        with(members, "interface", &event.interface)
    });
    json!({
        "store": section.service,
        "writes": writes.collect::<Vec<_>>(),
        "events": events.collect::<Vec<_>>(),
        "dataVersion": section.data_version,
        "dropped": section.dropped,
    })
}
