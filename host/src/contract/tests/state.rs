//! The interface `state`: how a contract declares it, and how a component that exports it is judged.

use std::sync::Arc;

use super::{SERVICE, component, read};
use crate::contract::{Bump, Compatibility, Level, OutboundHttp, Reach, Surface, Type, Verdict, World, openapi};
use crate::names::ServiceName;

/// A contract with a state interface.
const CONTRACT: &str = "package a:shop@1.0.0;
interface cart {
    record line { sku: string, quantity: u32 }
    record order {
        /// Made by the component.
        ///
        /// `opaque`
        id: string,
        /// `opaque` to people.
        lines: list<line>,
    }
    /// `GET /orders/{id}`
    get: func(id: string) -> order;
}
interface state {
    use cart.{line};
    record cart-state { lines: list<line> }
    variant entity { cart(cart-state), done(string) }
    record entry { key: string, value: entity }
    record change { key: string, value: option<entity> }
    /// Reads it.
    ///
    /// `export`
    export-state: func(after: option<string>, until: option<string>, limit: u32) -> list<entry>;
    /// `import`
    import-state: func(changes: list<change>) -> result<_, string>;
}
world service { export cart; }
";

#[track_caller]
fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(CONTRACT.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in the contract");
        text.replace(from, to)
    })
}

fn world(text: &str) -> Arc<World> {
    let contracts = read(&[text, SERVICE]).unwrap_or_else(|error| panic!("{error}"));
    contracts.world("a:shop/service").expect("it is there")
}

#[test]
fn the_interface_stands_beside_the_world_with_its_two_functions() {
    let world = world(CONTRACT);
    let state = world.state.as_ref().expect("a state interface");
    assert_eq!((&*state.name, &*state.entity.name), ("a:shop/state@1.0.0", "entity"));
    let [export, import] = state.functions();
    assert_eq!((&*export.name.wit, &export.reach, export.reads_only()), ("export-state", &Reach::Export, true));
    assert_eq!((&*import.name.wit, &import.reach, import.reads_only()), ("import-state", &Reach::Import, false));
    assert_eq!((&*export.docs, &*import.docs), ("Reads it.", ""));
    let names: Vec<_> = world.exports.iter().map(|interface| &*interface.name).collect();
    assert_eq!(names, ["a:shop/cart@1.0.0"]);
}

#[test]
fn a_contract_need_not_have_one_and_no_document_shows_it() {
    let start = CONTRACT.find("interface state").expect("it is there");
    let end = CONTRACT.find("world service").expect("it is there");
    let without = world(&format!("{}{}", &CONTRACT[..start], &CONTRACT[end..]));
    assert_eq!(without.state, None);
    let document = |world| openapi(&[(ServiceName::parse("cart").expect("a name"), world)], "shop", "1");
    assert_eq!(document(world(CONTRACT)), document(without));
}

#[test]
fn a_field_is_opaque_by_its_line_alone() {
    let world = world(CONTRACT);
    let Some(Type::Record(order)) = &world.exports[0].functions[0].ok else { panic!("no record") };
    let fields: Vec<_> = order.fields.iter().map(|field| (&*field.name.wit, field.opaque, &*field.docs)).collect();
    assert_eq!(fields, [("id", true, "Made by the component."), ("lines", false, "`opaque` to people.")]);
}

/// Asserts that the contract after `edits` has exactly these mistakes: place, fault, and the correction.
#[track_caller]
fn refused(edits: &[(&str, &str)], expected: &[[&str; 3]]) {
    let error = read(&[&edited(edits), SERVICE]).expect_err("it is refused").to_string();
    let found: Vec<&str> = error.lines().map(str::trim).collect();
    let expected: Vec<_> = expected
        .iter()
        .flat_map(|[place, fault, instead]| [format!("{place}: {fault}"), format!("write instead: {instead}")])
        .collect();
    assert_eq!(found.len(), expected.len(), "\n{error}");
    for (found, expected) in found.iter().zip(&expected) {
        assert!(found.ends_with(expected.as_str()), "\n{error}\n{expected}");
    }
}

const EXPORT: &str = "`func(after: option<string>, until: option<string>, limit: u32) -> list<entry>`, where `entry` is a \
                      record of `key: string` and `value: …`, a variant of this interface";
const IMPORT: &str = "`func(changes: list<change>) -> result<_, string>`, where `change` is a record of `key: string` \
                      and `value: option<…>` of a variant of this interface";
const BOTH: &str = "one function with `export` and one with `import`, or no interface `state`";

#[test]
fn functions_of_another_shape_are_told_with_the_right_one() {
    let export = "a:shop/state@1.0.0 · export-state";
    for (from, to, found) in [
        ("limit: u32", "limit: u64", "func(after: option<string>, until: option<string>, limit: u64) -> list<entry>"),
        ("until: option<string>, ", "", "func(after: option<string>, limit: u32) -> list<entry>"),
        (
            "after: option",
            "behind: option",
            "func(behind: option<string>, until: option<string>, limit: u32) -> list<entry>",
        ),
        (
            "-> list<entry>",
            "-> list<entity>",
            "func(after: option<string>, until: option<string>, limit: u32) -> list<entity>",
        ),
        (
            "-> list<entry>",
            "-> result<list<entry>, string>",
            "func(after: option<string>, until: option<string>, limit: u32) -> result<list<entry>, string>",
        ),
        (
            "entry { key: string, value: entity }",
            "entry { key: u32, value: entity }",
            "func(after: option<string>, until: option<string>, limit: u32) -> list<entry>",
        ),
    ] {
        refused(&[(from, to)], &[[export, &format!("`{found}` cannot be called as `export`"), EXPORT]]);
    }
    let import = "a:shop/state@1.0.0 · import-state";
    for (from, to, found) in [
        ("result<_, string>", "result", "func(changes: list<change>) -> result"),
        ("func(changes:", "func(entries:", "func(entries: list<change>) -> result<_, string>"),
        ("value: option<entity>", "value: entity", "func(changes: list<change>) -> result<_, string>"),
    ] {
        refused(&[(from, to)], &[[import, &format!("`{found}` cannot be called as `import`"), IMPORT]]);
    }
}

#[test]
fn an_entity_is_one_variant_of_the_interface() {
    refused(
        &[
            ("    record entry", "    variant other { cart(cart-state) }\n    record entry"),
            ("value: option<entity>", "value: option<other>"),
        ],
        &[[
            "a:shop/state@1.0.0 · import-state",
            "its changes hold `other`, but the entries of `export-state` hold `entity`",
            "one variant in both",
        ]],
    );
    let elsewhere = [
        ("    variant entity { cart(cart-state), done(string) }\n", ""),
        ("    record line", "    variant entity { done(string) }\n    record line"),
        ("use cart.{line}", "use cart.{line, entity}"),
    ];
    let found = |text: &str, line: &str| format!("`{text}` cannot be called as `{line}`");
    refused(
        &elsewhere,
        &[
            [
                "a:shop/state@1.0.0 · export-state",
                &found("func(after: option<string>, until: option<string>, limit: u32) -> list<entry>", "export"),
                EXPORT,
            ],
            [
                "a:shop/state@1.0.0 · import-state",
                &found("func(changes: list<change>) -> result<_, string>", "import"),
                IMPORT,
            ],
        ],
    );
}

#[test]
fn an_interface_has_each_function_once_and_no_other() {
    let one = |line| format!("no function of the interface carries `{line}`");
    let other =
        "the interface `state` is how the host moves the state of the service, and the function does not do that";
    let reserved = "`export` or `import` in its doc comment, or put it into another interface: the name `state` is \
                    reserved";
    let place = "a:shop/state@1.0.0";
    refused(
        &[("    /// `export`\n", "")],
        &[[place, &one("export"), BOTH], ["a:shop/state@1.0.0 · export-state", other, reserved]],
    );
    refused(
        &[("    /// `import`\n", "    /// `export`\n")],
        &[
            [place, &one("import"), BOTH],
            ["a:shop/state@1.0.0 · import-state", "export-state carries `export` too", "it on one function"],
        ],
    );
    refused(
        &[("world service", "interface more { /// `export`\nf: func(); }\nworld service")],
        &[[
            "a:shop/more@1.0.0 · f",
            "`export` is only for the interface `state` of a package that has a world",
            "the function in that interface, or another line",
        ]],
    );
}

#[test]
fn no_world_exports_or_imports_it() {
    for (from, to) in [("export cart;", "export cart; export state;"), ("export cart;", "export cart; import state;")] {
        refused(
            &[(from, to)],
            &[[
                "a:shop/service@1.0.0",
                "the world names `a:shop/state@1.0.0`, which only the host calls",
                "the world without it: a component may export it all the same",
            ]],
        );
    }
}

#[test]
fn a_mistake_in_a_function_is_told_once() {
    refused(
        &[("-> list<entry>", "-> list<stream<u8>>")],
        &[[
            "a:shop/state@1.0.0 · export-state",
            "a stream cannot be kept, sent again or sent as JSON",
            "`list<…>`, in pages where it may be long",
        ]],
    );
}

/// A component of the contract that also exports the state interface, both after `edits`.
#[track_caller]
fn exporting(edits: &[(&str, &str)]) -> Vec<u8> {
    let text = edited(edits).replace("export cart;", "export cart; export state;");
    component(&[&text, SERVICE], "service")
}

fn judge(component: &[u8]) -> Verdict {
    let contracts = read(&[CONTRACT, SERVICE]).unwrap_or_else(|error| panic!("{error}"));
    let world = contracts.world("a:shop/service").expect("it is there");
    contracts.judge(&world, component, OutboundHttp::Refused)
}

#[test]
fn a_component_may_export_it_and_may_leave_it_out() {
    for component in [exporting(&[]), component(&[CONTRACT, SERVICE], "service")] {
        let verdict = judge(&component);
        assert!(verdict.accepted, "{verdict}");
    }
    assert!(judge(&exporting(&[])).exports.contains(&"a:shop/state@1.0.0".to_owned()));
}

#[test]
fn a_component_that_exports_it_with_other_types_is_refused_with_the_path() {
    let check = |edits: &[(&str, &str)], expected: &[&str]| {
        let verdict = judge(&exporting(edits));
        let problems = verdict.problems.iter();
        let found = problems.map(|problem| format!("{}: {} | {}", problem.path, problem.expected, problem.found));
        assert_eq!(found.collect::<Vec<_>>(), expected, "\n{verdict}");
    };
    check(&[("limit: u32", "limit: u64")], &["a:shop/state@1.0.0 · export-state · parameter limit: u32 | u64"]);
    check(
        &[("done(string)", "done(u32)")],
        &["a:shop/state@1.0.0 · export-state · result · element · field value · case done: string | u32"],
    );
    check(
        &[("    /// `import`\n    import-state: func(changes: list<change>) -> result<_, string>;\n", "")],
        &["a:shop/state@1.0.0 · import-state: func(changes: list<change>) -> result<_, string> | nothing"],
    );
    check(
        &[("package a:shop@1.0.0", "package a:shop@2.0.0")],
        &[
            "a:shop/cart@1.0.0: an export with get | nothing",
            "a:shop/state@1.0.0: an export with export-state, import-state | nothing",
        ],
    );
}

#[test]
fn no_component_imports_it() {
    let text = CONTRACT.replace("export cart;", "export cart; import state;");
    let verdict = judge(&component(&[&text, SERVICE], "service"));
    assert!(verdict.problems.iter().any(|problem| problem.path == "import a:shop/state@1.0.0"), "{verdict}");
}

#[test]
fn it_is_no_part_of_what_callers_see() {
    let surface = |component: &[u8]| Surface::read(component).expect("it is a component");
    let (with, without) = (surface(&exporting(&[])), surface(&component(&[CONTRACT, SERVICE], "service")));
    let other = surface(&exporting(&[("done(string)", "done(u32)")]));
    for (live, candidate) in [(&with, &without), (&without, &with), (&with, &other)] {
        let found = Compatibility::judge(live, candidate, []);
        assert_eq!((found.level, found.bump), (Level::DropIn, Bump::None), "{found}");
    }
}
