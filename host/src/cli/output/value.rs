//! Stored bytes in readable form: as JSON, as text, in hexadecimal, or as a dump.

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::names;

/// Bytes in one line of a dump.
const DUMP_BYTES: usize = 16;

/// Characters of a value that a table shows.
const PREVIEW_CHARACTERS: usize = 60;

/// The first of JSON, text and a dump that `bytes` are.
pub(in crate::cli) fn auto(bytes: &[u8]) -> String {
    match readable(bytes) {
        // A number or a word alone is shown as it is stored.
        Some(text) if text.starts_with(['{', '[']) => json(bytes).unwrap_or_else(|| text.into()),
        Some(text) => text.into(),
        None => dump(bytes),
    }
}

/// `bytes` as indented JSON, if they are JSON.
pub(in crate::cli) fn json(bytes: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    serde_json::to_string_pretty(&value).ok()
}

/// The bytes that `text` has in hexadecimal; white space is skipped.
pub(in crate::cli) fn unhex(text: &str) -> Option<Vec<u8>> {
    names::unhex(&text.split_whitespace().collect::<String>())
}

/// A line for every 16 bytes: the offset, the bytes, and the letters among them.
fn dump(bytes: &[u8]) -> String {
    let line = |(number, part): (usize, &[u8])| {
        let hex: String = part.iter().map(|byte| format!("{byte:02x} ")).collect();
        let letters: String = part.iter().map(|byte| letter(*byte)).collect();
        format!("{:08x}  {hex:<width$} {letters}", number * DUMP_BYTES, width = DUMP_BYTES * 3)
    };
    bytes.chunks(DUMP_BYTES).enumerate().map(line).collect::<Vec<_>>().join("\n")
}

fn letter(byte: u8) -> char {
    if byte == b' ' || byte.is_ascii_graphic() { char::from(byte) } else { '.' }
}

/// The beginning of a value, in one line.
pub(in crate::cli) fn preview(bytes: &[u8]) -> String {
    let text = match readable(bytes) {
        Some(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        None => bytes.iter().take(PREVIEW_CHARACTERS + 1).map(|byte| letter(*byte)).collect(),
    };
    match text.char_indices().nth(PREVIEW_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// `bytes` as a text that a terminal can show.
fn readable(bytes: &[u8]) -> Option<&str> {
    let is_shown =
        |text: &&str| !text.contains(|character: char| character.is_control() && !"\n\t\r".contains(character));
    std::str::from_utf8(bytes).ok().filter(is_shown)
}
