//! Compatibility: the judgement of a candidate against the live release, its callers and its callees.

use super::component;
use super::shop::{Edit, judged, surface};
use crate::contract::{Bump, Compatibility, Level, Neighbour, Surface};
use crate::names::ServiceName;

/// Asserts the judgement, as text, of the cart with `edits`.
#[track_caller]
fn check(edits: &[Edit<'_>], level: Level, bump: Bump, text: &str) {
    let (web, payment) = (surface("web-service", &[]), surface("payment-service", &[]));
    let found = judged(&surface("cart-service", edits), &[("web", &web), ("payment", &payment)]);
    assert_eq!((found.level, found.bump), (level, bump), "\n{found}");
    let lines = |text: &str| text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let found = found.to_string();
    // The first two lines show the level and the bump.
    let body: Vec<_> = found.lines().skip(2).collect();
    assert_eq!(lines(&body.join("\n")), lines(text), "\n{found}");
}

#[test]
fn the_same_contract_is_a_drop_in() {
    check(&[], Level::DropIn, Bump::None, "");
    check(&[("@1.0.0", "@1.4.2")], Level::DropIn, Bump::None, "");
}

#[test]
fn a_candidate_that_exports_more_is_a_drop_in() {
    check(
        &[("total: func", "drop: func(id: string); total: func"), ("export cart;", "export cart; export extra;")],
        Level::DropIn,
        Bump::Minor,
        "exports more:
           a:shop/extra@1.0.0
           a:shop/cart@1.0.0 · drop",
    );
    check(
        &[("record line", "enum mood { good, bad } record line")],
        Level::DropIn,
        Bump::Minor,
        "exports more:\na:shop/cart@1.0.0 · type mood",
    );
}

#[test]
fn a_candidate_that_asks_for_less_is_a_drop_in() {
    check(
        &[("refund: func(order: string);", ""), ("import events;", "")],
        Level::DropIn,
        Bump::Patch,
        "asks for less:
           a:shop/events@1.0.0
           a:shop/payment@1.0.0 · refund",
    );
}

#[test]
fn a_changed_function_breaks_its_callers_alone() {
    check(
        &[("total: func(id: string) -> option<money>", "total: func(id: string) -> money")],
        Level::Breaking,
        Bump::Major,
        "changed:
           a:shop/cart@1.0.0 · total · result
             live:      option<money>
             candidate: money
         web does not fit:
           a:shop/cart@1.0.0 · total · result
             expected: option<money>
             found:    money",
    );
}

#[test]
fn a_changed_type_is_told_once_and_with_every_place_that_it_shows_in() {
    check(
        &[("amount: s64", "amount: u64")],
        Level::Breaking,
        Bump::Major,
        "changed:
           a:shop/cart@1.0.0 · type money · field amount
             live:      s64
             candidate: u64
             also in type line, add, total, pack, a:shop/types@1.0.0 · type money, \
             a:shop/payment@1.0.0 · type money, a:shop/payment@1.0.0 · charge
         web does not fit:
           a:shop/cart@1.0.0 · add · parameter line · field price · some · field amount
             expected: s64
             found:    u64
             also in total, pack
         payment does not fit:
           import a:shop/payment@1.0.0 · charge · parameter amount · field amount
             expected: s64
             found:    u64",
    );
}

#[test]
fn what_it_calls_must_be_there() {
    check(
        &[("refund: func(order: string);", "refund: func(order: string); void: func(order: string);")],
        Level::Breaking,
        Bump::Minor,
        "asks for more:
           a:shop/payment@1.0.0 · void
         payment does not fit:
           import a:shop/payment@1.0.0 · void
             expected: nothing
             found:    func(order: string)
             the interface has no such function",
    );
    check(
        &[("import events;", "import events; import extra;")],
        Level::Compatible,
        Bump::Minor,
        "asks for more:
           a:shop/extra@1.0.0
         exported by nobody:
           a:shop/extra@1.0.0",
    );
}

#[test]
fn another_major_version_breaks_both_sides() {
    let found = judged(
        &surface("cart-service", &[("@1.0.0", "@2.0.0")]),
        &[("mail", &surface("mail-service", &[])), ("payment", &surface("payment-service", &[]))],
    );
    let problems = found.breaks.iter().flat_map(|broken| &broken.problems);
    let lines: Vec<_> =
        problems.map(|problem| format!("{}: {} | {}", problem.path, problem.expected, problem.detail)).collect();
    assert_eq!(
        lines,
        [
            "a:shop/cart@1.0.0: an export with add, total, pack | it exports a:shop/cart@2.0.0, another version",
            "import a:shop/payment@2.0.0: a:shop/payment@1.0.0 | "
        ]
    );
    // The services that are swapped together fit each other.
    let next = ["web-service", "payment-service"].map(|world| surface(world, &[("@1.0.0", "@2.0.0")]));
    let found = judged(&surface("cart-service", &[("@1.0.0", "@2.0.0")]), &[("web", &next[0]), ("payment", &next[1])]);
    assert_eq!((found.level, found.bump), (Level::Compatible, Bump::Major), "{found}");
}

#[test]
fn versions_that_are_compatible_stand_for_each_other() {
    for (live, candidate, drop_in) in [
        ("1.0.0", "1.0.1", true),
        ("1.4.2", "1.0.0", true),
        ("1.0.0", "1.0.0+build", true),
        ("1.0.0", "2.0.0", false),
        ("1.0.0", "1.1.0-rc.1", false),
        ("0.1.0", "0.1.9", true),
        ("0.1.0", "0.2.0", false),
        ("0.0.1", "0.0.1", true),
        ("0.0.1", "0.0.2", false),
    ] {
        let [live_surface, candidate_surface] =
            [live, candidate].map(|version| surface("cart-service", &[("1.0.0", version)]));
        let found = Compatibility::judge(&live_surface, &candidate_surface, []);
        assert_eq!(found.level == Level::DropIn, drop_in, "{live} {candidate}: {found}");
    }
}

/// A component with the imports and exports of a world's WIT, and the host packages that it imports from.
fn with_host(world: &str) -> Surface {
    let text = format!("package a:b@1.0.0; interface served {{ f: func(); }} world w {{ export served; {world} }}");
    let offered = [
        ("wasi:io@0.2.6", "streams"),
        ("wasi:io@0.2.9", "streams"),
        ("wasi:http@0.2.6", "outgoing-handler"),
        ("wasi:http@0.2.6", "incoming-handler"),
        ("wasi:http@0.3.0", "handler"),
        ("switchyard:service@0.1.0", "migration"),
    ];
    let mut packages = std::collections::BTreeMap::<_, String>::new();
    for (package, interface) in offered {
        packages.entry(package).or_default().push_str(&format!("interface {interface} {{ f: func(); }}"));
    }
    let packages: Vec<_> = packages.iter().map(|(name, body)| format!("package {name}; {body}")).collect();
    let texts: Vec<_> = std::iter::once(text.as_str()).chain(packages.iter().map(String::as_str)).collect();
    Surface::read(&component(&texts, "w")).unwrap()
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[test]
fn what_the_host_offers_is_told_and_is_no_contract() {
    let table: &[(&str, &str, &[&str], &[&str])] = &[
        ("import wasi:io/streams@0.2.6;", "import wasi:io/streams@0.2.9;", &[], &[]),
        ("", "import wasi:io/streams@0.2.6;", &["wasi:io/streams@0.2.6"], &[]),
        ("import wasi:http/outgoing-handler@0.2.6;", "", &[], &["wasi:http/outgoing-handler@0.2.6"]),
        ("", "export switchyard:service/migration@0.1.0;", &[], &[]),
        ("export switchyard:service/migration@0.1.0;", "", &[], &[]),
    ];
    for (live, candidate, more, less) in table {
        let found = Compatibility::judge(&with_host(live), &with_host(candidate), []);
        assert_eq!((found.level, found.bump), (Level::DropIn, Bump::None), "{live} {candidate}\n{found}");
        assert_eq!((found.asks_more, found.asks_less), (strings(more), strings(less)));
    }
}

/// Some toolchains export `init`, `exports` or interfaces of their own.
#[test]
fn exports_that_no_contract_names_are_no_part_of_it() {
    let package = |world: &str| {
        format!(
            "package a:b@1.0.0; interface served {{ f: func(); }} interface more {{ g: func(); }} world w {{ {world} }}"
        )
    };
    let tool = "package tool:chain@1.0.0; interface runtime { start: func(); }";
    let surface = |world: &str| Surface::read(&component(&[&package(world), tool], "w")).unwrap();
    let contract = super::read(&[&package("export served;")]).unwrap().world("a:b/w").unwrap();
    let next = super::read(&[&package("export served; export more;")]).unwrap().world("a:b/w").unwrap();
    let plain = surface("export served;");
    let additions = surface(
        "export served; export init: func(); export exports: interface { h: func(); } export tool:chain/runtime@1.0.0;",
    );
    for (live, candidate) in [(&plain, &additions), (&additions, &plain)] {
        let found = Compatibility::judge_by(live, candidate, [], &[&contract]);
        assert_eq!((found.level, found.bump, found.added.len()), (Level::DropIn, Bump::None, 0), "{found}");
    }
    // An interface that the next contract names is one more.
    let found = Compatibility::judge_by(&plain, &surface("export served; export more;"), [], &[&contract, &next]);
    assert_eq!((found.bump, &*found.added), (Bump::Minor, &["a:b/more@1.0.0".to_owned()][..]), "{found}");
}

#[test]
fn a_raw_component_goes_on_taking_requests() {
    let (older, newer) = ("export wasi:http/incoming-handler@0.2.6;", "export wasi:http/handler@0.3.0;");
    for (live, candidate, level) in
        [(older, newer, Level::DropIn), (newer, older, Level::DropIn), (older, "", Level::Compatible)]
    {
        let found = Compatibility::judge(&with_host(live), &with_host(candidate), []);
        assert_eq!(found.level, level, "{found}");
        assert_eq!(found.changes.len(), usize::from(level != Level::DropIn));
    }
}

#[test]
fn the_first_release_of_a_service_is_judged_by_those_around_it() {
    let (web, payment) = (surface("web-service", &[]), surface("payment-service", &[("refund:", "repay:")]));
    let names = ["web", "payment"].map(|name| ServiceName::parse(name).unwrap());
    let neighbours = names.iter().zip([&web, &payment]).map(|(service, surface)| Neighbour { service, surface });
    let found = Compatibility::judge(&Surface::default(), &surface("cart-service", &[]), neighbours);
    assert_eq!((found.level, found.bump, found.changes.len()), (Level::Breaking, Bump::Minor, 0), "{found}");
    assert_eq!(found.added, ["a:shop/cart@1.0.0"]);
    assert_eq!(found.breaks[0].service.as_str(), "payment");
    assert_eq!(found.breaks[0].problems[0].path, "import a:shop/payment@1.0.0 · refund");
}

#[test]
fn a_judgement_has_this_json() {
    let web = surface("web-service", &[]);
    let found = judged(&surface("cart-service", &[("-> option<money>;", "-> money;")]), &[("web", &web)]);
    let problem = serde_json::json!({
        "path": "a:shop/cart@1.0.0 · total · result", "expected": "option<money>", "found": "money", "detail": ""
    });
    let json = serde_json::json!({
        "level": "breaking", "bump": "major",
        "breaks": [{ "service": "web", "problems": [problem], "problemsMore": 0 }],
        "changes": [problem], "changesMore": 0,
        "added": [], "asksMore": [], "asksLess": [], "exportedByNobody": [],
    });
    assert_eq!(serde_json::to_value(&found).unwrap(), json);
    assert!(found.to_string().starts_with(
        "breaking for web: swap it together with releases that fit it, or change it back
a major version: an item was removed or changed"
    ));
}

#[test]
fn a_judgement_is_bounded_whatever_a_component_has() {
    let functions: String = (0..300).map(|index| format!("call{index}: func();")).collect();
    let many = |world: &str| {
        let text = format!("package a:b@1.0.0; interface i {{ {functions} }} interface j {{}} world w {{ {world} }}");
        Surface::read(&component(&[&text], "w")).unwrap()
    };
    let (live, candidate) = (many("export i;"), many("import i;"));
    let empty = Surface::default();
    let found = Compatibility::judge(&empty, &live, []);
    assert_eq!(found.added, ["a:b/i@1.0.0"]);
    let found = Compatibility::judge(&live, &empty, []);
    assert_eq!(found.changes.len(), 1);
    let less = Surface::read(&component(&["package a:b@1.0.0; interface i { f: func(); } world w { export i; }"], "w"));
    let less = less.unwrap();
    let service = ServiceName::parse("caller").unwrap();
    let found = Compatibility::judge(&live, &less, [Neighbour { service: &service, surface: &candidate }]);
    assert_eq!((found.changes.len(), found.changes_more), (256, 44));
    assert_eq!((found.breaks[0].problems.len(), found.breaks[0].problems_more), (256, 44));
    assert!(found.to_string().ends_with("and 44 more"));
    assert_eq!(Compatibility::judge(&less, &live, []).added.len(), 256);
}

/// A type of a few bytes can contain a hundred thousand types when it is written out.
#[test]
fn types_that_are_large_when_written_out_are_judged_all_the_same() {
    let types: String = (1..16).map(|level| format!("(type $t{level} (tuple $t{0} $t{0}))", level - 1)).collect();
    let of = |leaf: &str| {
        let text = format!(
            r#"(component
                (import "x:y/i" (instance $i (type $t0 (tuple {leaf} u8)) {types} (export "f" (func (result $t15)))))
                (export "a:b/i" (instance $i)))"#,
        );
        Surface::read(&wat::parse_str(text).unwrap()).unwrap()
    };
    let found = Compatibility::judge(&of("u8"), &of("u8"), []);
    assert_eq!((found.level, found.bump), (Level::DropIn, Bump::None), "{found}");
    let found = Compatibility::judge(&of("u8"), &of("u16"), []);
    let paths: Vec<_> = found.changes.iter().map(|change| change.path.split(" · ").count()).collect();
    assert_eq!((found.bump, &*paths), (Bump::Major, &[19][..]), "{found}");
}
