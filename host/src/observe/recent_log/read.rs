//! Reads the recent log: the newest lines that match, or those after a position.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value as Json;

use super::folder::files;
use crate::names::ServiceName;

/// The lines to read.
#[derive(Debug, Clone, Default)]
pub struct LogFilter {
    /// Only lines about one of these services; `None`: all lines, also those of the host itself.
    pub services: Option<Vec<ServiceName>>,
    /// Whether a line must be about some service.
    pub of_services: bool,
    /// Only lines about the request with this id.
    pub request: Option<String>,
}

/// A place between two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPosition {
    file: u64,
    offset: usize,
}

/// Some lines, oldest first.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    pub items: Vec<Json>,
    /// The place after the last line that was looked at.
    pub next_cursor: String,
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.file, self.offset)
    }
}

impl FromStr for LogPosition {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text
            .split_once('.')
            .and_then(|(file, offset)| Some(Self { file: file.parse().ok()?, offset: offset.parse().ok()? }));
        parsed.ok_or("must be the `nextCursor` of a page")
    }
}

/// Reads at most `limit` lines of the log in `folder`: the first ones after the position `after`, or else the newest ones.
/// Blocks.
///
/// # Errors
///
/// If a file cannot be read.
pub fn read_recent(folder: &Path, filter: &LogFilter, after: Option<LogPosition>, limit: usize) -> io::Result<LogPage> {
    match after {
        Some(after) => forwards(folder, filter, after, limit),
        None => newest(folder, filter, limit),
    }
}

fn forwards(folder: &Path, filter: &LogFilter, after: LogPosition, limit: usize) -> io::Result<LogPage> {
    let (mut items, mut end) = (Vec::new(), after);
    for (number, path) in files(folder)?.into_iter().filter(|(number, _)| *number >= after.file) {
        let Some(text) = text(&path)? else { continue };
        let begin = if number == after.file { after.offset } else { 0 };
        end = LogPosition { file: number, offset: begin.min(text.len()) };
        for line in lines(text.get(end.offset..).unwrap_or_default()) {
            if items.len() >= limit {
                return Ok(LogPage { items, next_cursor: end.to_string() });
            }
            end.offset += line.len();
            items.extend(filter.matching(line));
        }
    }
    Ok(LogPage { items, next_cursor: end.to_string() })
}

fn newest(folder: &Path, filter: &LogFilter, limit: usize) -> io::Result<LogPage> {
    let (mut items, mut end) = (VecDeque::new(), None);
    for (number, path) in files(folder)?.into_iter().rev() {
        let Some(text) = text(&path)? else { continue };
        let of_file: Vec<_> = lines(&text).collect();
        let offset = of_file.iter().map(|line| line.len()).sum();
        end.get_or_insert(LogPosition { file: number, offset });
        for line in of_file.into_iter().rev().filter_map(|line| filter.matching(line)) {
            if items.len() >= limit {
                break;
            }
            items.push_front(line);
        }
        if items.len() >= limit {
            break;
        }
    }
    let end = end.unwrap_or(LogPosition { file: 0, offset: 0 });
    Ok(LogPage { items: items.into(), next_cursor: end.to_string() })
}

/// The text of a file; `None` if the writer has deleted it meanwhile.
fn text(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The whole lines of `text`, with their line breaks. The writer may be about to complete the last one.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"))
}

impl LogFilter {
    /// The line as JSON, if it matches.
    fn matching(&self, line: &[u8]) -> Option<Json> {
        // Most lines are about something else: finding that out is cheaper than parsing them.
        if self.request.as_ref().is_some_and(|request| !contains(line, request.as_bytes())) {
            return None;
        }
        let line: Json = serde_json::from_slice(line).ok()?;
        let service = line.get("service").and_then(Json::as_str);
        let is_asked = match &self.services {
            Some(services) => service.is_some_and(|service| services.iter().any(|asked| asked.as_str() == service)),
            None => service.is_some() || !self.of_services,
        };
        let is_of_request = |request: &String| {
            let of_spans = line.get("spans").and_then(Json::as_array).into_iter().flatten();
            let ids = line.get("request").into_iter().chain(of_spans.filter_map(|span| span.get("id")));
            ids.filter_map(Json::as_str).any(|id| id == request)
        };
        (is_asked && self.request.as_ref().is_none_or(is_of_request)).then_some(line)
    }
}

fn contains(line: &[u8], part: &[u8]) -> bool {
    part.is_empty() || line.windows(part.len()).any(|window| window == part)
}
