//! The grammar of doc comments: the line in backticks that says how a function is reached, or which status an error
//! has.
//!
//! This module only parses text; it does not check whether a parameter exists. No input makes it panic.

use std::time::Duration;

use super::line_error::LineError;
use crate::contract::types::{Method, Name};
use crate::limits::{ANSWER_AGE_MAX, ANSWER_AGE_MIN, SCHEDULE_PERIOD_MAX, SCHEDULE_PERIOD_MIN};

/// A line as its author wrote it, with WIT names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::contract) struct Line {
    pub(in crate::contract) reach: LineReach,
    pub(in crate::contract) roles: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::contract) enum LineReach {
    Http(HttpLine),
    Read,
    Event {
        /// The parameter by which events are ordered; `None`: only the events of one call are ordered.
        by: Option<String>,
    },
    Every(Duration),
    Authenticate,
    Export,
    Import,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::contract) struct HttpLine {
    pub(in crate::contract) method: Method,
    pub(in crate::contract) path: Vec<Segment>,
    pub(in crate::contract) query: Vec<String>,
    pub(in crate::contract) success: Option<u16>,
    /// How long caches may give the answer without asking the host.
    pub(in crate::contract) max_age: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::contract) enum Segment {
    Literal(String),
    Parameter(String),
}

impl HttpLine {
    /// The path as HTTP clients see it.
    pub(in crate::contract) fn json_path(&self) -> String {
        if self.path.is_empty() {
            return "/".into();
        }
        self.path.iter().fold(String::new(), |path, segment| match segment {
            Segment::Literal(text) => format!("{path}/{text}"),
            Segment::Parameter(name) => format!("{path}/{{{}}}", Name::new(name).json),
        })
    }

    pub(in crate::contract) fn path_parameters(&self) -> impl Iterator<Item = &str> {
        self.path.iter().filter_map(|segment| match segment {
            Segment::Parameter(name) => Some(name.as_str()),
            Segment::Literal(_) => None,
        })
    }
}

/// Separates the line that says how a function is reached from its doc comment; the remaining text is for people.
pub(in crate::contract) fn function_docs(docs: &str) -> (String, Result<Option<Line>, LineError>) {
    let (text, mut lines) = split(docs, function_line);
    let line = match lines.len() {
        0 => Ok(None),
        1 => lines.pop().transpose(),
        count => lines.into_iter().collect::<Result<Vec<_>, _>>().and(Err(LineError::SeveralLines { count })),
    };
    (text, line)
}

/// The HTTP status of an error case, and whether a call that returns it keeps its writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::contract) struct Status {
    pub(in crate::contract) code: u16,
    pub(in crate::contract) commits: bool,
}

/// Separates the status line from the doc comment of a case; the remaining text is for people.
pub(in crate::contract) fn case_docs(docs: &str) -> (String, Result<Option<Status>, LineError>) {
    let (text, mut lines) = split(docs, case_line);
    let status = match lines.len() {
        0 => Ok(None),
        1 => lines.pop().transpose(),
        count => lines.into_iter().collect::<Result<Vec<_>, _>>().and(Err(LineError::SeveralStatuses { count })),
    };
    (text, status)
}

/// Separates the line `opaque` from the doc comment of a field; the result says whether it is there.
pub(in crate::contract) fn field_docs(docs: &str) -> (String, bool) {
    let (text, lines) = split(docs, |line| (span(line)? == ("opaque", "")).then_some(Ok(())));
    (text, !lines.is_empty())
}

/// Splits `docs` into the lines that `read` accepts and the remaining text. Text between code fences is never such a
/// line.
pub(super) fn split<T>(
    docs: &str,
    read: impl Fn(&str) -> Option<Result<T, LineError>>,
) -> (String, Vec<Result<T, LineError>>) {
    let (mut text, mut lines, mut fenced) = (String::with_capacity(docs.len()), Vec::new(), false);
    for line in docs.lines() {
        fenced ^= line.trim_start().starts_with("```");
        match if fenced { None } else { read(line.trim()) } {
            Some(taken) => {
                lines.push(taken);
                // Remove the blank line in front of it too.
                text.truncate(text.trim_end().len());
                if !text.is_empty() {
                    text.push('\n');
                }
            }
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    (text.trim().to_owned(), lines)
}

/// The code span at the start of a line, and the text after it.
pub(super) fn span(line: &str) -> Option<(&str, &str)> {
    let (code, behind) = line.strip_prefix('`')?.split_once('`')?;
    Some((code.trim(), behind.trim()))
}

/// Whether the text clearly starts like such a line, and not by accident.
fn begins_as_line(text: &str) -> bool {
    let mut words = text.split_whitespace();
    match (words.next(), words.next()) {
        (Some(word), Some(path)) if path.starts_with('/') => word.bytes().all(|byte| byte.is_ascii_uppercase()),
        (Some("every"), Some(period)) => period.starts_with(|letter: char| letter.is_ascii_digit()),
        _ => false,
    }
}

/// Parses a line; `None` if it is prose.
fn function_line(line: &str) -> Option<Result<Line, LineError>> {
    if begins_as_line(line) && line.split_whitespace().next().and_then(method).is_some() {
        return Some(Err(LineError::NoTicks { text: line.into() }));
    }
    let Some((code, behind)) = span(line) else {
        let opened = line.strip_prefix('`').is_some_and(begins_as_line);
        return opened.then(|| Err(LineError::Unclosed { line: line.into() }));
    };
    let keyword = matches!(code, "read" | "event" | "authenticate" | "export" | "import");
    let keyword = keyword || code.starts_with("event by ");
    let keyword = keyword && behind.starts_with("for ");
    if !behind.is_empty() && !keyword && !begins_as_line(code) {
        return None;
    }
    Some(reach(code).and_then(|reach| Ok(Line { reach, roles: roles(behind)? })))
}

fn reach(code: &str) -> Result<LineReach, LineError> {
    let (word, rest) = match code.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (code, ""),
    };
    let alone = |reach| match rest {
        "" => Ok(reach),
        text => Err(LineError::TooMuch { before: word.into(), text: text.into() }),
    };
    match word {
        "read" => alone(LineReach::Read),
        "event" => event(rest),
        "authenticate" => alone(LineReach::Authenticate),
        "export" => alone(LineReach::Export),
        "import" => alone(LineReach::Import),
        "every" => period(rest).map(LineReach::Every).ok_or_else(|| LineError::Period { text: rest.into() }),
        _ => http(word, rest).map(LineReach::Http),
    }
}

/// Parses the text after `event`: empty, or `by` and a parameter.
fn event(rest: &str) -> Result<LineReach, LineError> {
    let key = match rest.split_once(char::is_whitespace) {
        _ if rest.is_empty() => return Ok(LineReach::Event { by: None }),
        Some(("by", key)) => key.trim(),
        _ => return Err(LineError::EventKey { text: rest.into() }),
    };
    match is_wit_name(key) {
        true => Ok(LineReach::Event { by: Some(key.into()) }),
        false => Err(LineError::EventKey { text: rest.into() }),
    }
}

fn method(word: &str) -> Option<Method> {
    Some(match word {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => return None,
    })
}

fn http(word: &str, rest: &str) -> Result<HttpLine, LineError> {
    let Some(method) = method(word) else {
        let meant = rest.starts_with('/') || self::method(&word.to_ascii_uppercase()).is_some();
        return Err(match meant {
            true => LineError::UnknownMethod { method: word.into() },
            false => LineError::UnknownWord { word: [word, rest].join(" ").trim().into() },
        });
    };
    let (rest, max_age) = match rest.split_once(" max-age") {
        Some((rest, text)) => (rest.trim_end(), Some(max_age(method, text)?)),
        None => (rest, None),
    };
    let (target, success) = match rest.split_once("->") {
        Some((target, code)) => (target.trim(), Some(success(code.trim())?)),
        None => (rest, None),
    };
    if target.is_empty() {
        return Err(LineError::NoPath { method: word.into() });
    }
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, self::query(query)?),
        None => (target, Vec::new()),
    };
    Ok(HttpLine { method, path: self::path(path)?, query, success, max_age })
}

/// Parses the text after `max-age`.
fn max_age(method: Method, text: &str) -> Result<Duration, LineError> {
    let age = duration(text.trim()).filter(|age| (ANSWER_AGE_MIN..=ANSWER_AGE_MAX).contains(age));
    age.filter(|_| method == Method::Get).ok_or_else(|| LineError::MaxAge { text: text.trim().into() })
}

fn success(text: &str) -> Result<u16, LineError> {
    match text {
        "200" => Ok(200),
        "201" => Ok(201),
        "202" => Ok(202),
        "204" => Ok(204),
        _ => Err(LineError::Success { text: text.into() }),
    }
}

fn path(path: &str) -> Result<Vec<Segment>, LineError> {
    let wrong = |reason| LineError::Path { path: path.into(), reason };
    let below = path.strip_prefix('/').ok_or_else(|| wrong("does not begin with `/`"))?;
    if below.is_empty() {
        return Ok(Vec::new());
    }
    below.split('/').map(|text| segment(text).map_err(wrong)).collect()
}

fn segment(text: &str) -> Result<Segment, &'static str> {
    if let Some(name) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        return match is_wit_name(name) {
            true => Ok(Segment::Parameter(name.into())),
            false => Err("has a parameter whose name is not a WIT name"),
        };
    }
    let literal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    match text {
        "" => Err("has an empty segment"),
        "." | ".." => Err("has a segment `.` or `..`, which clients remove"),
        _ if text.contains(['{', '}']) => Err("has a parameter that is not a whole segment"),
        _ if text.bytes().all(literal) => Ok(Segment::Literal(text.into())),
        _ => Err("has a character that is not allowed in a path"),
    }
}

fn query(query: &str) -> Result<Vec<String>, LineError> {
    let wrong = |reason| LineError::Query { query: query.into(), reason };
    query
        .split('&')
        .map(|name| match name {
            "" => Err(wrong("has an empty name")),
            _ if is_wit_name(name) => Ok(name.to_owned()),
            _ => Err(wrong("has a name that is not a WIT name")),
        })
        .collect()
}

/// Whether `text` is a WIT identifier: words of letters and digits, joined by single hyphens.
fn is_wit_name(text: &str) -> bool {
    text.split('-').all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
}

fn period(text: &str) -> Option<Duration> {
    duration(text).filter(|period| (SCHEDULE_PERIOD_MIN..=SCHEDULE_PERIOD_MAX).contains(period))
}

/// Parses a whole number and its unit.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}

/// Parses ``for `a` or `b` ``; an empty text means no role.
fn roles(behind: &str) -> Result<Vec<String>, LineError> {
    if behind.is_empty() {
        return Ok(Vec::new());
    }
    let wrong = || LineError::Roles { text: behind.into() };
    let listed = behind.strip_prefix("for ").ok_or_else(wrong)?;
    let mut roles = Vec::new();
    for role in listed.split(" or ") {
        let role = role.trim().strip_prefix('`').and_then(|role| role.strip_suffix('`')).ok_or_else(wrong)?;
        if !is_wit_name(role) {
            return Err(wrong());
        }
        if roles.iter().any(|earlier| earlier == role) {
            return Err(LineError::RoleTwice { role: role.into() });
        }
        roles.push(role.to_owned());
    }
    Ok(roles)
}

/// Parses a status line; `None` if it is prose.
fn case_line(line: &str) -> Option<Result<Status, LineError>> {
    let (code, behind) = span(line)?;
    let number = code.starts_with(|letter: char| letter.is_ascii_digit());
    let three_digits = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
    if !(three_digits || number && behind.is_empty()) {
        return None;
    }
    let status = match code.parse() {
        Ok(code) if (400..=599).contains(&code) => Ok(code),
        _ => Err(LineError::Status { text: code.into() }),
    };
    Some(status.and_then(|code| match behind {
        "" => Ok(Status { code, commits: false }),
        "commits" => Ok(Status { code, commits: true }),
        text => Err(LineError::BehindStatus { text: text.into() }),
    }))
}
