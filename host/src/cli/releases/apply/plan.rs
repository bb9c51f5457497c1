//! A readable plan: a line for each change, and the components to upload.

#[cfg(test)]
mod tests;

use crate::cli::client::documents::{Plan, PlannedChange};
use crate::cli::output::format::{NOTHING, counted, moved};
use crate::cli::output::{print, verdict};

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.missing.is_empty()
    }
}

/// The plan of a dry run, with what the host says about the components.
pub(super) fn judged(plan: &Plan) -> String {
    let verdicts = plan.verdicts.iter().map(|(service, verdict)| {
        let notes = verdict::notes(verdict);
        std::iter::once(format!("accepted: {service}")).chain(notes).collect::<Vec<_>>().join("\n")
    });
    std::iter::once(text(plan)).chain(verdicts).collect::<Vec<_>>().join("\n")
}

pub(super) fn text(plan: &Plan) -> String {
    let mut lines = changes(plan);
    if let Some(file) = plan.manifest_file.as_ref().filter(|file| !file.agrees) {
        lines.push(format!("warning: {} on the host says something else", file.path));
        lines.push("the host uses the applied settings; update that file, so that it is not applied by mistake".into());
    }
    lines.join("\n")
}

fn changes(plan: &Plan) -> Vec<String> {
    if plan.is_empty() {
        return vec!["nothing to do: the host matches the manifest".into()];
    }
    let count = |items: usize| u64::try_from(items).unwrap_or(u64::MAX);
    let rows: Vec<_> = plan.changes.iter().map(row).collect();
    let mut lines = vec![counted(count(rows.len()), "change")];
    lines.extend(print::table(&rows, |_| false).lines().map(str::to_owned));
    if !plan.missing.is_empty() {
        lines.push(format!("{} to upload", counted(count(plan.missing.len()), "component")));
    }
    if plan.changes.iter().any(|change| change.what == "keeps") {
        lines.push("releases marked with = stay: they were deployed after the last apply".into());
    }
    if plan.changes.iter().any(|change| change.what == "restart") {
        lines.push("changes marked with ! take effect at the next start of the host".into());
    }
    lines
}

fn row(change: &PlannedChange) -> Vec<String> {
    let PlannedChange { service, what, from, to, detail } = change;
    let mark = match what.as_str() {
        "add" => "  +",
        "remove" => "  -",
        "restart" => "  !",
        "keeps" => "  =",
        _ => "  ~",
    };
    let service = service.as_deref().unwrap_or(NOTHING);
    let mut row = vec![mark.to_owned(), service.to_owned(), what.clone()];
    row.push(moved(from.as_deref(), to.as_deref()));
    row.push(detail.clone());
    row
}
