//! The parts of a verdict.

use std::fmt;

use serde::Serialize;

use crate::contract::compare::VerdictProblem;
use crate::contract::host::HttpVersion;

/// The result of judging a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Whether the component may be deployed: it has no problem.
    pub accepted: bool,
    /// The world that it was judged against, or `wasi:http`.
    pub world: String,
    /// At most 256; `problems_more` counts the others.
    pub problems: Vec<VerdictProblem>,
    pub problems_more: usize,
    /// Imports that need the operator's grant (outbound HTTP), granted or not. A raw `wasi:http` component is accepted
    /// without it, and its requests are denied.
    pub needs_grant: Vec<String>,
    /// The version of `wasi:http` in which a raw component handles requests; `None` if it serves a contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpVersion>,
    /// The names of its imports and exports, at most 256 each.
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

/// Whether the operator allows a service to send requests to outside hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboundHttp {
    Granted,
    Refused,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { world, problems, problems_more, needs_grant, .. } = self;
        match problems.len() + problems_more {
            0 => write!(f, "accepted: the component fits {world}")?,
            1 => write!(f, "refused: 1 problem with {world}")?,
            count => write!(f, "refused: {count} problems with {world}")?,
        }
        for problem in problems {
            problem.write(f, ["expected:", "found:   "])?;
        }
        if *problems_more > 0 {
            write!(f, "\n  and {problems_more} more")?;
        }
        if !needs_grant.is_empty() {
            write!(f, "\nneeds the operator's grant of outbound HTTP: {}", needs_grant.join(", "))?;
        }
        Ok(())
    }
}
