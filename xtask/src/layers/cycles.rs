//! Import cycles: files that reach each other through their imports.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::modules::Uses;

/// The import cycles of `uses`, each with its files in order. A file without a cycle is in none.
pub(super) fn cycles(uses: &Uses) -> Vec<BTreeSet<PathBuf>> {
    let reached: Vec<(&Path, BTreeSet<&Path>)> =
        uses.keys().map(|file| (file.as_path(), reachable(uses, file))).collect();
    let mut cycles = BTreeSet::new();
    for (file, from_here) in &reached {
        let and_back = reached.iter().filter(|(other, back)| from_here.contains(other) && back.contains(file));
        let cycle: BTreeSet<PathBuf> = and_back.map(|(other, _)| other.to_path_buf()).collect();
        if !cycle.is_empty() {
            cycles.insert(cycle);
        }
    }
    cycles.into_iter().collect()
}

fn reachable<'u>(uses: &'u Uses, file: &'u Path) -> BTreeSet<&'u Path> {
    let mut reached = BTreeSet::new();
    let mut next = vec![file];
    while let Some(file) = next.pop() {
        let used = uses.get(file).into_iter().flat_map(|used| used.keys());
        next.extend(used.map(PathBuf::as_path).filter(|used| reached.insert(*used)));
    }
    reached
}

/// The files of `cycle`, and the paths that connect them.
pub(super) fn describe(uses: &Uses, cycle: &BTreeSet<PathBuf>) -> String {
    let mut text = format!("import cycle of {} files:\n", cycle.len());
    for file in cycle {
        for (used, paths) in uses.get(file).into_iter().flatten().filter(|(used, _)| cycle.contains(*used)) {
            let paths = paths.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let _infallible = writeln!(text, "  {} uses {}: {paths}", file.display(), used.display());
        }
    }
    text
}
