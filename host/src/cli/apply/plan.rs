//! A plan as a person reads it: a line for each change, and what has to be uploaded.

use super::super::documents::{Plan, PlannedChange};
use super::super::figures::{NOTHING, counted, moved};
use super::super::output;

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.missing.is_empty()
    }
}

pub(super) fn text(plan: &Plan) -> String {
    let mut lines = changes(plan);
    if let Some(file) = plan.manifest_file.as_ref().filter(|file| !file.agrees) {
        lines.push(format!("warning: the host starts with {}, which says something else", file.path));
        lines.push("bring that file to the same, or the next start of the host undoes this".into());
    }
    lines.join("\n")
}

fn changes(plan: &Plan) -> Vec<String> {
    if plan.is_empty() {
        return vec!["nothing to do: the host is as the manifest says".into()];
    }
    let count = |items: usize| u64::try_from(items).unwrap_or(u64::MAX);
    let rows: Vec<_> = plan.changes.iter().map(row).collect();
    let mut lines = vec![counted(count(rows.len()), "change")];
    lines.extend(output::table(&rows, |_| false).lines().map(str::to_owned));
    if !plan.missing.is_empty() {
        lines.push(format!("{} to upload", counted(count(plan.missing.len()), "component")));
    }
    if plan.changes.iter().any(|change| change.what == "restart") {
        lines.push("what is marked with ! counts from the next start of the host".into());
    }
    lines
}

fn row(change: &PlannedChange) -> Vec<String> {
    let PlannedChange { service, what, from, to, detail } = change;
    let mark = match what.as_str() {
        "add" => "  +",
        "remove" => "  -",
        "restart" => "  !",
        _ => "  ~",
    };
    let service = service.as_deref().unwrap_or(NOTHING);
    let mut row = vec![mark.to_owned(), service.to_owned(), what.clone()];
    row.push(moved(from.as_deref(), to.as_deref()));
    row.push(detail.clone());
    row
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_of_change_has_its_mark() {
        let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
        let plan = json!({
            "changes": [
                {"service": "blog", "what": "add", "to": digest("a"), "detail": "mounted at /blog"},
                {"service": "gifts", "what": "remove", "from": digest("b"), "detail": "its store is kept"},
                {"service": "cart", "what": "deploy", "from": digest("b"), "to": digest("c"), "detail": ""},
                {"service": "cart", "what": "settings", "from": "5000", "to": "2000", "detail": "limits.deadline_ms"},
                {"what": "contract", "detail": "shop:cart@1.1.0"},
                {"what": "restart", "from": "127.0.0.1:8080", "to": "0.0.0.0:80", "detail": "host.listen"},
            ],
            "missing": [digest("a"), digest("c")],
        });
        let expected = "\
6 changes
  +  blog   add       → aaaaaaaaaaaa               mounted at /blog
  -  gifts  remove    bbbbbbbbbbbb →               its store is kept
  ~  cart   deploy    bbbbbbbbbbbb → cccccccccccc
  ~  cart   settings  5000 → 2000                  limits.deadline_ms
  ~  -      contract  -                            shop:cart@1.1.0
  !  -      restart   127.0.0.1:8080 → 0.0.0.0:80  host.listen
2 components to upload
what is marked with ! counts from the next start of the host";
        assert_eq!(text(&serde_json::from_value(plan).expect("a plan")), expected);
    }

    #[test]
    fn a_host_that_starts_with_another_manifest_is_warned_of() {
        let check = |agrees: bool, expected: &str| {
            let plan = json!({"changes": [], "manifestFile": {"path": "/srv/switchyard.toml", "agrees": agrees}});
            assert_eq!(text(&serde_json::from_value(plan).expect("a plan")), expected);
        };
        let nothing = "nothing to do: the host is as the manifest says";
        check(true, nothing);
        let warning = "warning: the host starts with /srv/switchyard.toml, which says something else
bring that file to the same, or the next start of the host undoes this";
        check(false, &format!("{nothing}\n{warning}"));
    }
}
