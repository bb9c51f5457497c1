//! The mistakes in a line of a doc comment, each with its correction.

use std::time::Duration;

use crate::limits::{CALLS_IN_FLIGHT_MAX, SCHEDULE_PERIOD_MAX, SCHEDULE_PERIOD_MIN};

/// A mistake in a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::contract) enum LineError {
    #[error("`{text}` looks like a line that says how the function is reached, but is not in backticks")]
    NoTicks { text: String },
    #[error("the backtick is not closed in {line}")]
    Unclosed { line: String },
    #[error("`{word}` says nothing about how a function is reached")]
    UnknownWord { word: String },
    #[error("unknown method `{method}`")]
    UnknownMethod { method: String },
    #[error("the line has no path")]
    NoPath { method: String },
    #[error("the path `{path}` {reason}")]
    Path { path: String, reason: &'static str },
    #[error("the query `{query}` {reason}")]
    Query { query: String, reason: &'static str },
    #[error("`{text}` is no status of success")]
    Success { text: String },
    #[error("`{text}` does not say for how long caches may give the answer to a `GET`")]
    MaxAge { text: String },
    #[error("`{text}` is no period from {} to {}", human(SCHEDULE_PERIOD_MIN), human(SCHEDULE_PERIOD_MAX))]
    Period { text: String },
    #[error("`{text}` behind `event` does not say what orders the events")]
    EventKey { text: String },
    #[error("`{text}` is too much behind `{before}`")]
    TooMuch { before: String, text: String },
    #[error("{text} does not say who may call")]
    Roles { text: String },
    #[error("the role `{role}` stands twice")]
    RoleTwice { role: String },
    #[error("the doc comment has {count} lines that say how the function is reached")]
    SeveralLines { count: usize },
    #[error("`{text}` does not say how many calls run at once")]
    AtOnce { text: String },
    #[error("the doc comment says {count} times how many calls run at once")]
    SeveralAtOnce { count: usize },
    #[error("`{text}` is no status of an error")]
    Status { text: String },
    #[error("{text} behind the status says nothing")]
    BehindStatus { text: String },
    #[error("the doc comment has {count} statuses")]
    SeveralStatuses { count: usize },
}

impl LineError {
    /// The correction, after "write instead:".
    pub(in crate::contract) fn instead(&self) -> String {
        match self {
            Self::NoTicks { text } => format!("`` `{text}` ``, alone on its line"),
            Self::Unclosed { .. } => "one more backtick behind the route".into(),
            Self::UnknownWord { .. } => {
                "a route (`GET /items/{sku}`), `read`, `event`, `every 30s`, `authenticate`, `export` or `import`, or put \
                 the words into a sentence"
                    .into()
            }
            Self::UnknownMethod { .. } => "GET, POST, PUT, PATCH or DELETE".into(),
            Self::NoPath { method } => format!("the path behind the method: `{method} /items`"),
            Self::Path { .. } => "a path such as `/items/{sku}`: each segment letters, digits, `-`, `.`, `_` and `~`, \
                                  or one parameter's WIT name in braces"
                .into(),
            Self::Query { .. } => "the WIT names of parameters: `/items?category&limit`".into(),
            Self::Success { .. } => "`-> 200`, `-> 201`, `-> 202` or `-> 204`".into(),
            Self::MaxAge { .. } => {
                "a whole number and `s`, `m`, `h` or `d`, from 1s to 7d, behind a `GET`: `GET /items max-age 30s`".into()
            }
            Self::Period { .. } => "a whole number and `ms`, `s`, `m`, `h` or `d`: `every 30s`".into(),
            Self::EventKey { .. } => "`event by sku`, with the WIT name of one parameter, or `event` alone".into(),
            Self::TooMuch { before, .. } => format!("`{before}` alone"),
            Self::Roles { .. } => {
                "``for `customer` `` or ``for `customer` or `staff` `` after the closing backtick".into()
            }
            Self::RoleTwice { .. } => "every role once".into(),
            Self::SeveralLines { .. } => "only one of them; give each other line its own function".into(),
            Self::AtOnce { .. } => format!("`at most 2 at once`, with a number from 1 to {CALLS_IN_FLIGHT_MAX}"),
            Self::SeveralAtOnce { .. } => "it once".into(),
            Self::Status { .. } => "a status from 400 to 599: `404`".into(),
            Self::BehindStatus { .. } => "only the status, or `` `402` commits `` to keep the call's writes".into(),
            Self::SeveralStatuses { .. } => "one of them".into(),
        }
    }
}

fn human(period: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(period)
}
