//! Writes a compatibility judgement as text that a person can act on.

use std::fmt;

use super::change::Bump;
use super::compatibility::{Break, Compatibility, Level};

impl fmt::Display for Compatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Level::DropIn => f.write_str("drop-in: it keeps the contract for every caller")?,
            Level::Compatible => f.write_str("compatible: the contract changes, but it fits every live release")?,
            Level::Breaking => {
                let services: Vec<_> = self.breaks.iter().map(|broken| broken.service.as_str()).collect();
                let services = services.join(", ");
                write!(f, "breaking for {services}: swap it together with releases that fit it, or change it back")?;
            }
        }
        write!(f, "\n{}", self.bump)?;
        if !self.changes.is_empty() {
            f.write_str("\nchanged:")?;
        }
        for change in &self.changes {
            change.write(f, ["live:     ", "candidate:"])?;
        }
        more(f, self.changes_more)?;
        list(f, "exports more", &self.added)?;
        list(f, "asks for more", &self.asks_more)?;
        list(f, "asks for less", &self.asks_less)?;
        list(f, "exported by nobody", &self.exported_by_nobody)?;
        for Break { service, problems, problems_more } in &self.breaks {
            write!(f, "\n{service} does not fit:")?;
            for problem in problems {
                problem.write(f, ["expected:", "found:   "])?;
            }
            more(f, *problems_more)?;
        }
        Ok(())
    }
}

impl fmt::Display for Bump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no new version: the contract is the same",
            Self::Patch => "a patch version: it imports less",
            Self::Minor => "a minor version: it exports or imports more",
            Self::Major => "a major version: an item was removed or changed",
        })
    }
}

fn list(f: &mut fmt::Formatter<'_>, what: &str, names: &[String]) -> fmt::Result {
    if names.is_empty() {
        return Ok(());
    }
    write!(f, "\n{what}:")?;
    names.iter().try_for_each(|name| write!(f, "\n  {name}"))
}

fn more(f: &mut fmt::Formatter<'_>, count: usize) -> fmt::Result {
    match count {
        0 => Ok(()),
        count => write!(f, "\n  and {count} more"),
    }
}
