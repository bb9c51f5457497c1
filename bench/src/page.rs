//! The table in docs/performance.md, between two marks that its reader does not see.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::results::Run;
use crate::targets::{Target, short};

const BEGIN: &str = "<!-- results -->\n";
const END: &str = "<!-- end of results -->\n";

/// Replaces the table with that of `run`.
pub(crate) fn fill(workspace: &Path, run: &Run) -> anyhow::Result<()> {
    let path = workspace.join("docs/performance.md");
    let page = std::fs::read_to_string(&path)?;
    let filled = filled(&page, run).with_context(|| format!("{} has no place for the table", path.display()))?;
    Ok(std::fs::write(path, filled)?)
}

fn filled(page: &str, run: &Run) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{}{END}{after}", table(run)))
}

fn table(run: &Run) -> String {
    let machine = &run.machine;
    let mut text = format!(
        "Run of {}, commit `{}`, on {} cores of {}, Linux {}. One fdatasync of 4 KiB took {:.2} ms.\n\n",
        run.date, machine.commit, machine.cores, machine.cpu, machine.kernel, machine.fsync_ms
    );
    text += "| target | figure | platform | baseline | ratio | goal | |\n|---|---|--:|--:|--:|--:|---|\n";
    for target in &run.targets.0 {
        let Target { row, what, platform, baseline, ratio, goal, .. } = target;
        let [platform, baseline, ratio] =
            [platform, baseline, ratio].map(|value| value.map_or_else(String::new, short));
        let mark = if target.missed() { "**missed**" } else { "met" };
        let written = writeln!(text, "| {row} | {what} | {platform} | {baseline} | {ratio} | {goal} | {mark} |");
        written.expect("writing to memory does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::targets::{Bound, Targets};

    #[test]
    fn the_table_of_the_page_is_replaced_and_says_what_is_missed() {
        let machine = Machine { cores: 2, cpu: "CPU".into(), kernel: "6".into(), fsync_ms: 0.2, commit: "abc".into() };
        let targets =
            [("met", 12.0), ("late", 14.0)].map(|(row, value)| Target::absolute(row, "µs", value, Bound::AtMost(13.0)));
        let run = Run { date: "2026-11-30".into(), machine, targets: Targets(targets.into()) };
        let page = format!("before\n{BEGIN}old\n{END}after\n");
        let filled = filled(&page, &run).expect("it has the marks");
        assert!(filled.starts_with("before\n") && filled.ends_with("after\n") && !filled.contains("old"), "{filled}");
        assert!(filled.contains("| met | µs | 12 |  |  | ≤ 13 | met |"), "{filled}");
        assert!(filled.contains("| late | µs | 14 |  |  | ≤ 13 | **missed** |"), "{filled}");
        assert!(super::filled("no marks", &run).is_none());
    }
}
