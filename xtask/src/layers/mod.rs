//! The layer rules of the host: a part uses only parts that `host/src/lib.rs` names before it, and no files import
//! each other in a cycle.

mod architecture;
mod cycles;
mod modules;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::step::root;
use modules::{Modules, Uses};

/// The parts in order, from the documentation of `lib.rs`: every word in backticks after this sentence.
const ORDER_BEGINS: &str = "may use only those before it in this list";

fn order(lib: &str) -> Vec<String> {
    let docs: Vec<_> = lib.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let docs = docs.join("\n");
    let list = docs.split_once(ORDER_BEGINS).map(|(_, list)| list).unwrap_or_default();
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The part that a file belongs to; `None` for `lib.rs`.
fn part_of(file: &Path) -> Option<&str> {
    let first = file.iter().next()?.to_str()?;
    Some(first.strip_suffix(".rs").unwrap_or(first)).filter(|part| *part != "lib")
}

/// Uses of a part above the user's own, or of a part that is not in the list.
fn broken(order: &[String], uses: &Uses) -> Vec<String> {
    let place = |file: &Path| order.iter().position(|known| Some(known.as_str()) == part_of(file));
    let pairs = uses.iter().flat_map(|(file, used)| used.keys().map(move |used| (file, used)));
    let above = pairs.filter(|(file, used)| part_of(file).is_some() && place(file) < place(used));
    above.map(|(file, used)| format!("{} uses {}, which is above it", file.display(), used.display())).collect()
}

fn host() -> Uses {
    let folder = root().join("host/src");
    Modules::read("lib.rs", &|file| std::fs::read_to_string(folder.join(file)).ok()).uses()
}

fn uses_of(sources: &[(&str, &str)]) -> Uses {
    let source = |file: &Path| sources.iter().find(|(name, _)| Path::new(name) == file).map(|(_, text)| (*text).into());
    Modules::read("lib.rs", &source).uses()
}

#[test]
fn no_part_of_the_host_uses_one_above_it() {
    let lib = std::fs::read_to_string(root().join("host/src/lib.rs")).expect("lib.rs");
    let order = order(&lib);
    let declared: BTreeSet<_> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(declared, order.iter().map(String::as_str).collect(), "the list and the modules of lib.rs differ");
    let broken = broken(&order, &host());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_use_of_a_part_above_is_found_however_it_is_written() {
    let order = ["low", "middle", "high"].map(str::to_owned);
    let check = |source: &str, good: bool| {
        let lib = "mod low; mod middle; mod high;";
        let part = "pub struct Thing; pub fn g() {}";
        let uses = uses_of(&[("lib.rs", lib), ("low.rs", part), ("middle.rs", source), ("high/mod.rs", part)]);
        assert_eq!(broken(&order, &uses).is_empty(), good, "{source}");
    };
    check("use crate::low::Thing;", true);
    check("use crate::middle::Thing;", true);
    check("use crate::high::Thing;", false);
    check("use crate::{low, high};", false);
    check("use crate::{\n    low::{self, high},\n    middle,\n};", true);
    check("use crate::{low::{self, Thing}, high::Thing};", false);
    check("fn f() { crate::high::g() }", false);
    check("fn f() { super::high::g() }", false);
    check("/// See [`crate::high`].\nfn f() {}", true);
    check("fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use crate::high::Thing;\n}", true);
    check("fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn f() {}\n}\n\nuse crate::high::Thing;", false);
}

#[test]
fn no_files_of_the_host_import_each_other_in_a_cycle() {
    let uses = host();
    let cycles: String = cycles::cycles(&uses).iter().map(|cycle| cycles::describe(&uses, cycle)).collect();
    assert!(cycles.is_empty(), "{cycles}");
}

/// A source is a file and its text; a cycle is a list of its files.
#[track_caller]
fn check_cycles(sources: &[(&str, &str)], expected: &[&[&str]]) {
    let uses = uses_of(sources);
    let expected: Vec<BTreeSet<PathBuf>> =
        expected.iter().map(|files| files.iter().map(PathBuf::from).collect()).collect();
    assert_eq!(cycles::cycles(&uses), expected, "{uses:#?}");
}

#[test]
fn files_that_import_each_other_are_a_cycle_however_it_is_written() {
    let check = |one: &str, other: &str, cycle: bool| {
        let expected: &[&[&str]] = if cycle { &[&["part/one.rs", "part/other.rs"]] } else { &[] };
        let sources = [
            ("lib.rs", "mod part;"),
            ("part/mod.rs", "mod one;\nmod other;\npub use one::One;\npub use other::{Other, also as renamed};"),
            ("part/one.rs", one),
            ("part/other.rs", other),
        ];
        check_cycles(&sources, expected);
    };
    let (one, other) = ("pub struct One;", "pub struct Other; pub fn also() {}");
    let with = |code: &str, definition: &str| format!("{code}\n{definition}");
    check(one, other, false);
    check(&with("use super::other::Other;", one), other, false);
    for from_one in [
        "use super::other::Other;",
        "use super::Other;",
        "use crate::part::other::Other;",
        "use crate::{part::{Other, One as Own}};",
        "use super::other;",
        "use super::other::{self, also};",
        "use super::other::*;",
        "use super::renamed;",
        "fn f() { super::other::also() }",
        "fn f() -> Vec<crate::part::Other> { Vec::new() }",
        "fn f() { use super::other::Other; }",
        "mod inner { use super::super::Other; }",
        "fn f() { format!(\"{:?}\", super::other::also()); }",
        "use self::super::other::Other;",
    ] {
        check(&with(from_one, one), &with("use super::one::One;", other), true);
        check(&with(from_one, one), &with("fn g() { crate::part::One::new() }", other), true);
        check(&with(from_one, one), other, false);
    }
    for not_from_one in [
        "// use super::other::Other;",
        "/// See [`super::other::Other`].",
        "const TEXT: &str = \"super::other::Other\";",
        "#[cfg(test)]\nmod tests { use super::super::other::Other; }",
        "#[cfg(test)]\nuse super::other::Other;",
        "use elsewhere::other::Other;",
        "pub(in crate::part::other) fn f() {}",
    ] {
        check(&with(not_from_one, one), &with("use super::one::One;", other), false);
    }
}

#[test]
fn a_type_in_a_folders_mod_file_makes_a_cycle_with_the_children_that_import_it() {
    let check = |parent: &str, child: &str, cycle: bool| {
        let expected: &[&[&str]] = if cycle { &[&["part/child.rs", "part/mod.rs"]] } else { &[] };
        check_cycles(&[("lib.rs", "mod part;"), ("part/mod.rs", parent), ("part/child.rs", child)], expected);
    };
    check("mod child; pub use child::Child;", "pub struct Child;", false);
    check("mod child; pub struct Parent;", "use super::Parent;", false);
    check("mod child; pub use child::Child; pub struct Parent;", "use super::Parent; pub struct Child;", true);
    check("mod child; pub struct Parent(child::Child);", "use super::Parent; pub struct Child;", true);
    check("mod child; pub fn child() {}", "use super::child; fn f() { child() }", false);
}

#[test]
fn a_cycle_through_several_files_and_folders_is_one() {
    let sources = [
        ("lib.rs", "mod low;\nmod high;"),
        ("low/mod.rs", "mod one;\nmod two;\nmod deep;\npub use deep::Deep;"),
        ("low/one.rs", "use super::two::Two; pub struct One;"),
        ("low/two.rs", "use super::Deep; pub struct Two;"),
        ("low/deep/mod.rs", "mod inner;\npub use inner::*;"),
        ("low/deep/inner.rs", "use crate::low::one::One; pub struct Deep;"),
        ("high.rs", "use crate::low::Deep;"),
    ];
    check_cycles(&sources, &[&["low/deep/inner.rs", "low/one.rs", "low/two.rs"]]);
}
