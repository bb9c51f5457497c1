//! The layer rule of the host: a part uses only parts that `host/src/lib.rs` names before it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::step::root;

/// The parts in their order, from the documentation of `lib.rs`: every word in backticks after this sentence.
const ORDER_BEGINS: &str = "may use only those before it in this list";

fn order(lib: &str) -> Vec<String> {
    let docs: Vec<_> = lib.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let docs = docs.join("\n");
    let list = docs.split_once(ORDER_BEGINS).map(|(_, list)| list).unwrap_or_default();
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The parts that `source` names: `crate::part` and `crate::{part, …}`. Comments and modules of tests are left out.
fn uses(source: &str) -> BTreeSet<String> {
    let mut blocks = source.split("\n#[cfg(test)]\nmod ");
    let before = blocks.next().unwrap_or_default();
    // A module that is formatted ends at the first brace that begins a line.
    let behind = blocks.map(|tests| tests.split_once("\n}").map_or("", |(_, behind)| behind));
    let code = [before].into_iter().chain(behind).collect::<Vec<_>>().join("\n");
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    code.split("crate::").skip(1).flat_map(named).filter(|name| !name.is_empty()).collect()
}

/// The names right behind a `crate::`.
fn named(after: &str) -> Vec<String> {
    let word = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = after.strip_prefix('{') else { return vec![word(after)] };
    let (mut depth, mut names, mut name) = (0, Vec::new(), String::new());
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(std::mem::take(&mut name)),
            _ if depth == 0 => name.push(letter),
            _ => {}
        }
    }
    names.push(name);
    names.iter().map(|name| word(name)).collect()
}

/// What breaks the rule in `source`, a file of `part`.
fn broken(order: &[String], part: &str, source: &str) -> Vec<String> {
    let place = |name: &str| order.iter().position(|known| known == name);
    let Some(own) = place(part) else { return vec![format!("`{part}` is not in the list of parts")] };
    let above = |name: &String| place(name).is_some_and(|used| used > own);
    uses(source).into_iter().filter(above).map(|name| format!("`{part}` uses `{name}`, which is above it")).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of sources");
    let paths = entries.map(|entry| entry.expect("an entry of the folder").path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The part that a file belongs to; none for `lib.rs`, `main.rs`, and files that are all tests.
fn part_of(file: &Path) -> Option<&str> {
    let first = file.iter().next()?.to_str()?;
    let tests = file.iter().any(|name| name == "tests" || name == "tests.rs");
    let own = (!tests && file.extension()? == "rs").then_some(first.strip_suffix(".rs").unwrap_or(first));
    own.filter(|part| !["lib", "main"].contains(part))
}

#[test]
fn no_part_of_the_host_uses_one_above_it() {
    let folder = root().join("host/src");
    let lib = std::fs::read_to_string(folder.join("lib.rs")).expect("lib.rs");
    let order = order(&lib);
    let declared: BTreeSet<_> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(declared, order.iter().map(String::as_str).collect(), "the list and the modules of lib.rs differ");

    let mut found = Vec::new();
    for path in sources(&folder) {
        let file = path.strip_prefix(&folder).expect("a file of the folder");
        if let Some(part) = part_of(file) {
            let source = std::fs::read_to_string(&path).expect("a source");
            found.extend(broken(&order, part, &source).into_iter().map(|what| format!("{}: {what}", file.display())));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_use_of_a_part_above_is_found_however_it_is_written() {
    let order = ["low", "middle", "high"].map(str::to_owned);
    let check = |source: &str, good: bool| assert_eq!(broken(&order, "middle", source).is_empty(), good, "{source}");
    check("use crate::low::Thing;", true);
    check("use crate::middle::Thing;", true);
    check("use crate::high::Thing;", false);
    check("use crate::{low, high};", false);
    check("use crate::{\n    low::{self, high},\n    middle,\n};", true);
    check("use crate::{low::{self, Thing}, high::Thing};", false);
    check("fn f() { crate::high::g() }", false);
    check("/// See [`crate::high`].\nfn f() {}", true);
    check("fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use crate::high::Thing;\n}", true);
    check("fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn f() {}\n}\n\nuse crate::high::Thing;", false);
    assert_eq!(broken(&order, "unknown", ""), ["`unknown` is not in the list of parts"]);
}
