//! `switchyard store`: looks at single entries of a service's store, and repairs them by hand.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::{Read as _, Write as _};

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::cli::arguments::{
    DeleteEntry, EntryChange, EntryName, GetEntry, ScanEntries, SetEntry, Shown, Store, StoreAction, Written,
};
use crate::cli::client::documents::{EditedEntry, Entry, EntrySize};
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::cli::output::format::bytes;
use crate::cli::output::{print, value};
use crate::names;

/// The most entries of one request, because both ends hold a page in memory.
const PAGE_ENTRIES_MAX: u32 = 500;

/// `confirm` asks the operator a question, unless its second argument says that it is already answered.
pub(in crate::cli) fn run(
    target: &Target,
    command: &Store,
    confirm: impl FnOnce(&str, bool) -> Result<(), Failure>,
) -> Outcome {
    let is_json = command.host.json;
    match &command.action {
        StoreAction::Get(get) => show(target, get, is_json),
        StoreAction::Scan(scan) => list(target, scan, is_json),
        StoreAction::Set(SetEntry { entry, value, file, form, change }) => {
            let value = match file {
                Some(file) => std::fs::read(file).map_err(|error| read_failure(&file.display().to_string(), error))?,
                None => read_argument(value.as_deref().unwrap_or_default())?,
            };
            edit(target, entry, Some(bytes_to_store(value, *form)?), change, is_json, confirm)
        }
        StoreAction::Delete(DeleteEntry { entry, change }) => edit(target, entry, None, change, is_json, confirm),
    }
}

fn show(target: &Target, GetEntry { entry, form }: &GetEntry, is_json: bool) -> Outcome {
    let key = entry.key()?;
    let answer = Request::get(&["services", &entry.service, "entry"]).query("key", [&key]).send(target)?;
    let answer = answer.accepted(is_json)?;
    if is_json {
        return Ok(answer.text());
    }
    let found: Entry = answer.read()?;
    let stored = found.value()?;
    Ok(match form {
        Shown::Auto => format!(
            "key     {}\nbytes   {}\ndigest  {}\n\n{}",
            readable(&found.key),
            found.bytes,
            found.digest,
            value::auto(&stored)
        ),
        Shown::Text => String::from_utf8_lossy(&stored).into_owned(),
        Shown::Json => value::json(&stored).ok_or_else(|| {
            Failure::text(Kind::Refused, format!("the value of {} is not JSON", readable(&key)))
                .next("`--as text` and `--as hex` show it.")
        })?,
        Shown::Hex => names::hex(&stored),
        Shown::Raw => {
            let mut out = std::io::stdout().lock();
            let done = out.write_all(&stored).and_then(|()| out.flush());
            done.map_err(|error| Failure::new(Kind::Refused, error))?;
            String::new()
        }
    })
}

fn list(target: &Target, scan: &ScanEntries, is_json: bool) -> Outcome {
    let prefix = key(&scan.prefix, scan.hex_key)?;
    let mut after = scan.after.as_deref().map(|after| key(after, scan.hex_key)).transpose()?;
    let (mut items, mut wanted) = (Vec::new(), scan.limit);
    while wanted > 0 {
        let request = Request::get(&["services", &scan.service, "entries"])
            .query("prefix", (!prefix.is_empty()).then_some(&prefix))
            .query("limit", [wanted.min(PAGE_ENTRIES_MAX)])
            .query("after", after.take());
        let page: Page = request.send(target)?.accepted(is_json)?.read()?;
        let count = u32::try_from(page.items.len()).unwrap_or(u32::MAX);
        wanted = wanted.saturating_sub(count);
        items.extend(page.items);
        after = page.next_after;
        // An empty page must not be requested forever.
        if after.is_none() || count == 0 {
            break;
        }
    }
    if is_json {
        let mut page = json!({ "items": items });
        if let (Some(page), Some(after)) = (page.as_object_mut(), after) {
            page.insert("nextAfter".into(), after.into());
        }
        return Ok(page.to_string());
    }
    let entries: Result<Vec<Entry>, _> = items.into_iter().map(serde_json::from_value).collect();
    let entries = entries.map_err(|error| Failure::new(Kind::Unreachable, error))?;
    if entries.is_empty() {
        return Ok("no entries".into());
    }
    let values = entries.iter().map(Entry::value).collect::<Result<Vec<_>, _>>()?;
    let rows: Vec<_> = entries.iter().zip(values).collect();
    let mut text = print::list(
        ["KEY", "BYTES", "VALUE"],
        &rows,
        |(entry, stored)| [readable(&entry.key).into_owned(), entry.bytes.to_string(), value::preview(stored)],
        |column| column == 1,
    );
    if let Some(after) = after {
        text.push_str(&format!("\nThere are more: continue with --after '{}'.", readable(&after)));
    }
    Ok(text)
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    items: Vec<Value>,
    next_after: Option<String>,
}

/// Sets the entry to `value`, or deletes it. What was confirmed must still be there.
fn edit(
    target: &Target,
    entry: &EntryName,
    value: Option<Vec<u8>>,
    change: &EntryChange,
    is_json: bool,
    confirm: impl FnOnce(&str, bool) -> Result<(), Failure>,
) -> Outcome {
    let (service, key) = (&entry.service, entry.key()?);
    let mut guard = change.if_digest.clone();
    if !change.yes {
        let answer = Request::get(&["services", service, "entry"]).query("key", [&key]).send(target)?;
        let now = match answer.status {
            StatusCode::NOT_FOUND if value.is_some() => None,
            _ => Some(answer.accepted(is_json)?.read::<Entry>()?),
        };
        confirm(&question(service, &key, now.as_ref(), value.as_deref()), false)?;
        let seen = now.map_or_else(|| "none".into(), |now| now.digest);
        guard.get_or_insert(seen);
    }
    let path = ["services", service, "entry"];
    let request = match value {
        Some(value) => Request::put(&path).body("application/octet-stream", value.into()),
        None => Request::delete(&path),
    };
    let request = request.query("key", [&key]).query("ifDigest", guard).query("reason", change.reason.iter());
    request.send(target)?.render(is_json, |edited: &EditedEntry| {
        let size = |EntrySize { bytes: count, digest }: &EntrySize| format!("{}, {digest}", bytes(*count));
        let before = edited.before.as_ref().map_or_else(|| "nothing".into(), size);
        match &edited.after {
            Some(after) => format!("{} of {service} is {}; it was {before}", readable(&key), size(after)),
            None => format!("{} of {service} is deleted; it was {before}", readable(&key)),
        }
    })
}

fn question(service: &str, key: &str, now: Option<&Entry>, value: Option<&[u8]>) -> String {
    let key = readable(key);
    let size = |count: usize| bytes(u64::try_from(count).unwrap_or(u64::MAX));
    let what = match (now, value) {
        (Some(now), Some(value)) => {
            format!("Replace the value of {key} of {service} ({}) with {}?", bytes(now.bytes), size(value.len()))
        }
        (None, Some(value)) => format!("Add the entry {key} to {service}, with {}?", size(value.len())),
        (now, None) => {
            let now = now.map_or_else(String::new, |now| format!(" ({})", bytes(now.bytes)));
            format!("Delete the entry {key} of {service}{now}?")
        }
    };
    format!("{what} No component checks it.")
}

impl EntryName {
    fn key(&self) -> Result<String, Failure> {
        key(&self.key, self.hex_key)
    }
}

/// A key as it was typed, or from its bytes in hexadecimal.
fn key(text: &str, is_hex: bool) -> Result<String, Failure> {
    if !is_hex {
        return Ok(text.into());
    }
    let bytes = value::unhex(text).and_then(|bytes| String::from_utf8(bytes).ok());
    bytes.ok_or_else(|| Failure::text(Kind::Usage, format!("{text:?} is no UTF-8 text in hexadecimal, as keys are")))
}

/// A key for the terminal: with escapes, if it would control it.
fn readable(key: &str) -> Cow<'_, str> {
    match key.contains(char::is_control) {
        true => key.escape_debug().to_string().into(),
        false => key.into(),
    }
}

/// The value that an argument is; `-` reads it from standard input.
fn read_argument(argument: &str) -> Result<Vec<u8>, Failure> {
    if argument != "-" {
        return Ok(argument.into());
    }
    let mut content = Vec::new();
    std::io::stdin().lock().read_to_end(&mut content).map_err(|error| read_failure("standard input", error))?;
    Ok(content)
}

fn read_failure(what: &str, error: std::io::Error) -> Failure {
    Failure::new(Kind::Usage, anyhow::Error::new(error).context(format!("cannot read {what}")))
}

/// The bytes to store.
fn bytes_to_store(content: Vec<u8>, form: Written) -> Result<Vec<u8>, Failure> {
    let text = |content| {
        let what = "the value is not UTF-8: write it in hexadecimal with `--as hex`";
        String::from_utf8(content).map_err(|_| Failure::text(Kind::Usage, what))
    };
    match form {
        Written::Text => text(content).map(String::into_bytes),
        Written::Json => match serde_json::from_slice::<Value>(&content) {
            Ok(_) => Ok(content),
            Err(error) => Err(Failure::new(Kind::Usage, anyhow::Error::new(error).context("the value is not JSON"))),
        },
        Written::Hex => {
            let wrong =
                || Failure::text(Kind::Usage, "the value is not in hexadecimal: write two digits for each byte");
            value::unhex(&text(content)?).ok_or_else(wrong)
        }
    }
}
