//! Verdicts on small components, built for these tests.

use proptest::prelude::*;

use super::{SERVICE, component, read};
use crate::contract::{HttpVersion, OutboundHttp, Verdict, judge_http};

/// The contract by which these tests judge components.
const CONTRACT: &str = "
    package a:shop@1.0.0;

    interface types {
        record money { amount: s64, currency: string }
        variant problem { not-found(string), conflict(string), gone }
        enum kind { small, large }
        flags options { gift, express }
    }
    interface cart {
        use types.{money, problem, kind, options};
        record line { sku: string, quantity: u32, price: money }
        add: func(id: string, line: line) -> result<money, problem>;
        total: func(id: string) -> option<money>;
        pack: func(lines: list<line>, kind: kind, options: options) -> tuple<u32, string>;
    }
    interface payment {
        use types.{money};
        charge: func(order: string, amount: money) -> result<string>;
        refund: func(order: string);
    }
    world service {
        import payment;
        export cart;
    }";

fn judge(component: &[u8]) -> Verdict {
    judge_with(component, OutboundHttp::Refused)
}

fn judge_with(component: &[u8], outbound: OutboundHttp) -> Verdict {
    let contracts = read(&[CONTRACT, SERVICE]).unwrap_or_else(|error| panic!("{error}"));
    let world = contracts.world("a:shop/service").unwrap();
    contracts.judge(&world, component, outbound)
}

/// Asserts that the component of the contract, with `from` replaced by `to` in its WIT, is refused with `expected`.
#[track_caller]
fn refused(changes: &[(&str, &str)], expected: &str) {
    let mut text = CONTRACT.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from} is not in the contract");
        text = text.replace(from, to);
    }
    let verdict = judge(&component(&[&text, SERVICE], "service"));
    assert!(!verdict.accepted);
    let lines: Vec<_> = verdict
        .problems
        .iter()
        .map(|problem| {
            let detail = if problem.detail.is_empty() { String::new() } else { format!(" ({})", problem.detail) };
            format!("{}: {} | {}{detail}", problem.path, problem.expected, problem.found)
        })
        .collect();
    let expected: Vec<_> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, expected, "\n{verdict}");
}

#[test]
fn a_component_of_the_world_itself_is_accepted() {
    let verdict = judge(&component(&[CONTRACT, SERVICE], "service"));
    assert!(verdict.accepted, "{verdict}");
    assert_eq!(verdict.to_string(), "accepted: the component fits a:shop/service@1.0.0");
    assert_eq!(verdict.exports, ["a:shop/cart@1.0.0"]);
    assert_eq!(verdict.imports, ["a:shop/types@1.0.0", "a:shop/payment@1.0.0"]);
}

#[test]
fn a_component_may_export_more_and_import_less_and_what_the_host_offers() {
    let more = [
        ("import payment;", ""),
        ("export cart;", "export cart; export extra; import switchyard:service/store@0.1.0;"),
        ("add: func", "more: func(); add: func"),
        ("interface payment {", "interface extra { f: func(); } interface payment {"),
    ];
    let text = more.iter().fold(CONTRACT.to_owned(), |text, (from, to)| text.replace(from, to));
    let verdict = judge(&component(&[&text, SERVICE], "service"));
    assert!(verdict.accepted, "{verdict}");
}

/// The verdict on a component that also exports the host's interface for migrations, with `changes` in that interface.
fn migrating(changes: &[(&str, &str)]) -> Verdict {
    let mut service = SERVICE.to_owned();
    for (from, to) in changes {
        assert!(service.contains(from), "{from} is not in the interface");
        service = service.replace(from, to);
    }
    let version = if service.contains("@0.2.0;") { "0.2.0" } else { "0.1.0" };
    let export = format!("export cart; export switchyard:service/migration@{version};");
    judge(&component(&[&CONTRACT.replace("export cart;", &export), &service], "service"))
}

#[test]
fn a_component_may_bring_its_data_to_its_version() {
    let verdict = migrating(&[]);
    assert!(verdict.accepted, "{verdict}");
    assert_eq!(verdict.exports, ["a:shop/cart@1.0.0", "switchyard:service/migration@0.1.0"]);
}

#[test]
fn a_migration_of_other_types_or_another_version_is_told_in_wit_terms() {
    let check = |changes: &[(&str, &str)], expected: &[&str]| {
        let verdict = migrating(changes);
        let problems = verdict.problems.iter();
        let found = problems.map(|problem| format!("{}: {} | {}", problem.path, problem.expected, problem.found));
        assert_eq!(found.collect::<Vec<_>>(), expected, "\n{verdict}");
    };
    check(
        &[("pause-ms-max: u32", "pause-ms-max: u64")],
        &["switchyard:service/migration@0.1.0 · describe · result · field pause-ms-max: u32 | u64"],
    );
    check(
        &[("-> result<_, string>", "-> result")],
        &["switchyard:service/migration@0.1.0 · migrate · result · error: string | nothing"],
    );
    check(
        &[("    describe: func() -> data;", "")],
        &["switchyard:service/migration@0.1.0 · describe: func() -> data | nothing"],
    );
    check(
        &[("package switchyard:service@0.1.0", "package switchyard:service@0.2.0")],
        &["switchyard:service/migration@0.1.0: an export with describe, migrate | nothing"],
    );
}

#[test]
fn the_host_offers_no_migration_to_import() {
    let text = CONTRACT.replace("export cart;", "export cart; import switchyard:service/migration@0.1.0;");
    let verdict = judge(&component(&[&text, SERVICE], "service"));
    let [problem] = &verdict.problems[..] else { panic!("{verdict}") };
    assert_eq!(problem.path, "import switchyard:service/migration@0.1.0");
}

#[test]
fn every_difference_is_told_in_wit_terms() {
    refused(
        &[("record line { sku: string, quantity: u32,", "record line { sku: u32,")],
        "a:shop/cart@1.0.0 · add · parameter line · field sku: string | u32 (also in pack)
         a:shop/cart@1.0.0 · add · parameter line · field quantity: u32 | nothing (also in pack)",
    );
    refused(
        &[("quantity: u32, price: money", "price: money, quantity: u32")],
        "a:shop/cart@1.0.0 · add · parameter line: fields in the order sku, quantity, price | fields in the order sku, price, quantity (also in pack)",
    );
    refused(
        &[("total: func(id: string) -> option<money>", "total: func(cart: string) -> money")],
        "a:shop/cart@1.0.0 · total · parameter id: string | nothing
         a:shop/cart@1.0.0 · total · parameter cart: nothing | string
         a:shop/cart@1.0.0 · total · result: option<money> | money",
    );
    refused(
        &[("small, large", "small, medium"), ("gift, express", "gift")],
        "a:shop/cart@1.0.0 · pack · parameter kind · case large: the case | nothing
         a:shop/cart@1.0.0 · pack · parameter kind · case medium: nothing | the case
         a:shop/cart@1.0.0 · pack · parameter options · flag express: the flag | nothing",
    );
    refused(
        &[("tuple<u32, string>", "tuple<u32, char>"), ("-> result<money, problem>", "-> result<money>")],
        "a:shop/cart@1.0.0 · add · result · error: problem | nothing
         a:shop/cart@1.0.0 · pack · result · element 1: string | char",
    );
    refused(
        &[("conflict(string), gone", "conflict(u8), gone(string)")],
        "a:shop/cart@1.0.0 · add · result · error · case conflict: string | u8
         a:shop/cart@1.0.0 · add · result · error · case gone: nothing | string",
    );
}

#[test]
fn what_is_missing_is_listed_whole() {
    refused(
        &[("total: func(id: string) -> option<money>;", "")],
        "a:shop/cart@1.0.0 · total: func(id: string) -> option<money> | nothing",
    );
    refused(
        &[("export cart;", ""), ("import payment;", "import cart;")],
        "a:shop/cart@1.0.0: an export with add, total, pack | nothing
         import a:shop/cart@1.0.0: nothing | an import that neither the contract nor the host offers",
    );
    refused(
        &[("package a:shop@1.0.0", "package a:shop@2.0.0"), ("import payment;", "")],
        "a:shop/cart@1.0.0: an export with add, total, pack | nothing (it exports a:shop/cart@2.0.0, another version)
         import a:shop/types@2.0.0: nothing | an import that neither the contract nor the host offers",
    );
}

#[test]
fn imports_that_are_not_offered_or_differ_are_told() {
    refused(
        &[("refund: func(order: string)", "refund: func(order: u64); void: func(order: string)")],
        "import a:shop/payment@1.0.0 · refund · parameter order: string | u64
         import a:shop/payment@1.0.0 · void: nothing | func(order: string) (the interface has no such function)",
    );
    refused(
        &[
            ("import payment;", "import payment; import spy; import run: func();"),
            ("interface payment {", "interface spy { look: func(); } interface payment {"),
        ],
        "import a:shop/spy@1.0.0: nothing | an import that neither the contract nor the host offers
         import run: nothing | an import that neither the contract nor the host offers",
    );
}

#[test]
fn the_hosts_own_interfaces_are_compared_too() {
    let service = SERVICE.replace("get: func(key: string) -> option<list<u8>>", "get: func(key: u32) -> list<u8>");
    let text = CONTRACT.replace("export cart;", "export cart; import switchyard:service/store@0.1.0;");
    let verdict = judge(&component(&[&text, &service], "service"));
    let paths: Vec<_> = verdict.problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "import switchyard:service/store@0.1.0 · get · parameter key",
            "import switchyard:service/store@0.1.0 · get · result"
        ]
    );
}

#[test]
fn a_compatible_version_of_an_interface_is_accepted() {
    let text = CONTRACT.replace("@1.0.0", "@1.0.3");
    let verdict = judge(&component(&[&text, SERVICE], "service"));
    assert!(verdict.accepted, "{verdict}");
}

/// A package with one empty interface for each name, as a source of imports.
fn offers(package: &str, version: &str, interfaces: &[&str]) -> String {
    let interfaces = interfaces.iter().map(|name| format!("interface {name} {{ f: func(); }}\n"));
    format!("package {package}@{version};\n{}", interfaces.collect::<String>())
}

#[test]
fn outbound_http_is_by_grant_and_the_safe_part_of_wasi_is_for_all() {
    let io = offers("wasi:io", "0.2.9", &["streams", "poll"]);
    let http = offers("wasi:http", "0.2.6", &["outgoing-handler"]);
    let keyvalue = offers("wasi:keyvalue", "0.2.0-draft2", &["store"]);
    let config = offers("wasi:config", "0.2.0-rc.1", &["store"]);
    let imports = "export cart; import wasi:io/streams@0.2.9; import wasi:io/poll@0.2.9;
        import wasi:http/outgoing-handler@0.2.6; import wasi:keyvalue/store@0.2.0-draft2;
        import wasi:config/store@0.2.0-rc.1;";
    let text = CONTRACT.replace("export cart;", imports);
    let component = component(&[&text, SERVICE, &io, &http, &keyvalue, &config], "service");
    let granted = judge_with(&component, OutboundHttp::Granted);
    assert!(granted.accepted, "{granted}");
    assert_eq!(granted.needs_grant, ["wasi:http/outgoing-handler@0.2.6"]);
    let refused = judge(&component);
    assert_eq!(
        refused.to_string(),
        "refused: 1 problem with a:shop/service@1.0.0
  import wasi:http/outgoing-handler@0.2.6
    expected: no outbound HTTP: the service has no grant for it
    found:    an import of it
    grant it with `outbound_hosts` in the service's section of the manifest
needs the operator's grant of outbound HTTP: wasi:http/outgoing-handler@0.2.6"
    );
}

#[test]
fn versions_that_the_host_does_not_have_are_refused() {
    for (package, version, interface) in [
        ("wasi:io", "0.3.0", "streams"),
        ("wasi:io", "0.2.0-rc.1", "streams"),
        ("wasi:keyvalue", "0.2.0", "store"),
        ("wasi:cli", "0.2.6", "run"),
        ("wasi:http", "0.2.6", "incoming-handler"),
    ] {
        let offer = offers(package, version, &[interface]);
        let name = format!("{package}/{interface}@{version}");
        let text = CONTRACT.replace("export cart;", &format!("export cart; import {name};"));
        let verdict = judge(&component(&[&text, SERVICE, &offer], "service"));
        let paths: Vec<_> = verdict.problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, [format!("import {name}")]);
    }
}

#[test]
fn a_raw_http_component_is_known_by_its_export() {
    for (version, interface, expected) in [
        ("0.2.6", "incoming-handler", Some(HttpVersion::V02)),
        ("0.3.0", "handler", Some(HttpVersion::V03)),
        ("0.2.6", "types", None),
        ("0.4.0", "handler", None),
    ] {
        let http = offers("wasi:http", version, &[interface]);
        let text = format!("package a:b; world w {{ export wasi:http/{interface}@{version}; }}");
        let verdict = judge_http(&component(&[&text, &http], "w"));
        assert_eq!(verdict.http, expected, "{verdict}");
        assert_eq!(verdict.accepted, expected.is_some(), "{verdict}");
    }
}

#[test]
fn a_raw_http_component_may_import_outbound_http_without_a_grant_and_nothing_that_the_host_lacks() {
    let http = offers("wasi:http", "0.3.0", &["handler", "client", "types"]);
    let text = "package a:b; interface mine { f: func(); } world w {
        import wasi:http/types@0.3.0; import wasi:http/client@0.3.0; import mine; export wasi:http/handler@0.3.0; }";
    let verdict = judge_http(&component(&[text, &http], "w"));
    let paths: Vec<_> = verdict.problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["import a:b/mine"]);
    assert_eq!(verdict.needs_grant, ["wasi:http/client@0.3.0"]);
}

#[test]
fn what_is_no_component_is_told_what_it_is() {
    let module = b"\0asm\x01\0\0\0";
    let whole = component(&[CONTRACT, SERVICE], "service");
    for (bytes, found) in [
        (&b""[..], "an empty file"),
        (b"\0as", "a file that is not WebAssembly"),
        (b"\0asm\x0d", "a damaged one: the file ends within its header"),
        (b"GIF89a...", "a file that is not WebAssembly"),
        (b"  (component)", "WebAssembly text"),
        (module, "a core module"),
        (b"\0asm\x0c\0\x01\0", "WebAssembly of an unknown version"),
    ] {
        let verdict = judge(bytes);
        assert_eq!((verdict.accepted, verdict.problems.len()), (false, 1));
        assert_eq!(verdict.problems[0].found, found);
        assert!(!verdict.problems[0].detail.is_empty());
    }
    let cut = judge(&whole[..whole.len() / 2]);
    assert!(cut.problems[0].found.starts_with("a damaged one: "), "{cut}");
    let large = vec![0; crate::limits::COMPONENT_BYTES_MAX + 1];
    assert!(judge(&large).problems[0].found.ends_with("are the most"));
}

#[test]
fn an_async_function_does_not_stand_for_a_plain_one() {
    let contracts = read(&["package a:b; interface i { f: func(); } world w { export i; }"]).unwrap();
    let world = contracts.world("a:b/w").unwrap();
    // The instance is passed through, so that no code is needed to give it its type.
    let component = wat::parse_str(
        r#"(component
            (import "x:y/i" (instance $i (export "f" (func async))))
            (export "a:b/i" (instance $i)))"#,
    );
    let verdict = contracts.judge(&world, &component.unwrap(), OutboundHttp::Refused);
    let problem = &verdict.problems[0];
    assert_eq!((&*problem.path, &*problem.expected, &*problem.found), ("a:b/i · f", "func()", "async func()"));
}

/// wac-types panics on a component that imports a core module with an exact function type.
#[test]
fn a_component_that_cannot_be_read_is_refused_and_the_host_goes_on() {
    let component = wat::parse_str(
        r#"(component
            (import "m" (core module (type (func)) (import "" "" (func (exact (type 0)))))))"#,
    );
    let verdict = judge(&component.unwrap());
    assert_eq!(verdict.problems[0].found, "a component with unreadable types", "{verdict}");
}

#[test]
fn a_type_that_is_long_when_written_out_is_cut() {
    let types: String = (1..16).map(|level| format!("(type $t{level} (tuple $t{0} $t{0}))", level - 1)).collect();
    let contracts = read(&["package a:b; interface i { f: func() -> u32; } world w { export i; }"]).unwrap();
    let component = wat::parse_str(format!(
        r#"(component
            (import "x:y/i" (instance $i
                (type $t0 (tuple u8 u8)) {types}
                (export "f" (func (result $t15)))))
            (export "a:b/i" (instance $i)))"#,
    ));
    let verdict = contracts.judge(&contracts.world("a:b/w").unwrap(), &component.unwrap(), OutboundHttp::Refused);
    let problem = &verdict.problems[0];
    assert_eq!((&*problem.path, problem.found.chars().count()), ("a:b/i · f · result", 401), "{verdict}");
}

#[test]
fn a_verdict_is_bounded_whatever_a_component_imports() {
    let interfaces: Vec<_> = (0..400).map(|index| format!("i{index}")).collect();
    let names: Vec<_> = interfaces.iter().map(String::as_str).collect();
    let imports: String = names.iter().map(|name| format!("import x:y/{name}@1.0.0; ")).collect();
    let text = CONTRACT.replace("export cart;", &format!("export cart; {imports}"));
    let verdict = judge(&component(&[&text, SERVICE, &offers("x:y", "1.0.0", &names)], "service"));
    assert_eq!((verdict.problems.len(), verdict.problems_more, verdict.imports.len()), (256, 144, 256));
    assert!(verdict.to_string().contains("refused: 400 problems"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_the_judge_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), header in any::<bool>()) {
        let bytes = if header { [&b"\0asm\x0d\0\x01\0"[..], &bytes].concat() } else { bytes };
        prop_assert!(judge_http(&bytes).problems.len() <= 256);
    }

    #[test]
    fn no_damage_to_a_component_makes_the_judge_panic(
        at in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 1..4),
        end in prop::option::of(any::<prop::sample::Index>()),
    ) {
        static WHOLE: std::sync::LazyLock<Vec<u8>> =
            std::sync::LazyLock::new(|| component(&[CONTRACT, SERVICE], "service"));
        let mut damaged = WHOLE.clone();
        let at = at.index(damaged.len());
        for (offset, byte) in bytes.into_iter().enumerate() {
            if let Some(place) = damaged.get_mut(at + offset) {
                *place = byte;
            }
        }
        if let Some(end) = end {
            damaged.truncate(end.index(damaged.len()));
        }
        let verdict = judge(&damaged);
        prop_assert_eq!(verdict.accepted, verdict.problems.is_empty());
    }
}
