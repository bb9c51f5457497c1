//! Small edits of a contract: our judgement of each, compared with the oracles.

use super::oracles::{Beside, Shop};
use super::shop::{Edit, text};
use crate::contract::Level::{Breaking, Compatible, DropIn};
use crate::contract::{Bump, Level};

const ADD: &str = "add: func(id: string, line: line) -> result<money, problem>;";
const TOTAL: &str = "total: func(id: string) -> option<money>;";
const MONEY: &str = "record money { amount: s64, currency: string }";
const PROBLEM: &str = "variant problem { not-found(string), conflict(string), gone }";
const LINE: &str = "record line { sku: sku, quantity: u32, price: option<money> }";
const CHARGE: &str = "charge: func(order: string, amount: money) -> result<string>;";
const REFUND: &str = "refund: func(order: string);";

/// Why an edit is no drop-in here although an oracle accepts it.
const VERSIONS: &str = "the oracles leave versions out; callers find an interface by its version";
/// The name of the edit, the edit, the judgement, and why it is stricter than an oracle's, if it is.
type Row = (&'static str, &'static [Edit<'static>], Level, Bump, Option<&'static str>);

const ROWS: &[Row] = &[
    ("nothing", &[], DropIn, Bump::None, None),
    ("a doc comment", &[("/// Adds a line.", "/// Adds a line.\n///\n/// `POST /lines`")], DropIn, Bump::None, None),
    ("the patch version", &[("@1.0.0", "@1.0.7")], DropIn, Bump::None, None),
    ("the minor version", &[("@1.0.0", "@1.3.0")], DropIn, Bump::None, None),
    ("the major version", &[("@1.0.0", "@2.0.0")], Breaking, Bump::Major, Some(VERSIONS)),
    ("a pre-release", &[("@1.0.0", "@1.0.0-rc.1")], Breaking, Bump::Major, Some(VERSIONS)),
    ("no version", &[("@1.0.0", "")], Breaking, Bump::Major, Some(VERSIONS)),
    ("another package", &[("a:shop@", "a:store@")], Breaking, Bump::Major, None),
    (
        "the order of functions",
        &[
            (ADD, ""),
            (
                TOTAL,
                "total: func(id: string) -> option<money>; add: func(id: string, line: line) -> result<money, problem>;",
            ),
        ],
        DropIn,
        Bump::None,
        None,
    ),
    (
        "the order of types",
        &[
            ("enum size { small, large }", ""),
            (LINE, "record line { sku: sku, quantity: u32, price: option<money> } enum size { small, large }"),
        ],
        DropIn,
        Bump::None,
        None,
    ),
    // Functions.
    (
        "a function more",
        &[(ADD, "add: func(id: string, line: line) -> result<money, problem>; drop: func(id: string);")],
        DropIn,
        Bump::Minor,
        None,
    ),
    ("a function less", &[(ADD, "")], Compatible, Bump::Major, None),
    ("a function less that is called", &[(TOTAL, "")], Breaking, Bump::Major, None),
    ("a function's name", &[("add: func", "put: func")], Compatible, Bump::Major, None),
    ("a parameter's name", &[("total: func(id", "total: func(cart")], Breaking, Bump::Major, None),
    (
        "the order of parameters",
        &[("add: func(id: string, line: line)", "add: func(line: line, id: string)")],
        Compatible,
        Bump::Major,
        None,
    ),
    (
        "a parameter more",
        &[("total: func(id: string)", "total: func(id: string, taxed: bool)")],
        Breaking,
        Bump::Major,
        None,
    ),
    (
        "an optional parameter more",
        &[("total: func(id: string)", "total: func(id: string, note: option<string>)")],
        Breaking,
        Bump::Major,
        None,
    ),
    ("a parameter less", &[("total: func(id: string)", "total: func()")], Breaking, Bump::Major, None),
    (
        "a parameter that is optional now",
        &[("total: func(id: string)", "total: func(id: option<string>)")],
        Breaking,
        Bump::Major,
        None,
    ),
    ("a parameter's type", &[("total: func(id: string)", "total: func(id: u64)")], Breaking, Bump::Major, None),
    ("a result that is always there now", &[("-> option<money>;", "-> money;")], Breaking, Bump::Major, None),
    (
        "no result any more",
        &[("total: func(id: string) -> option<money>;", "total: func(id: string);")],
        Breaking,
        Bump::Major,
        None,
    ),
    ("no error any more", &[("-> result<money, problem>", "-> result<money>")], Compatible, Bump::Major, None),
    (
        "no value of success any more",
        &[("-> result<money, problem>", "-> result<_, problem>")],
        Compatible,
        Bump::Major,
        None,
    ),
    ("what a tuple has", &[("tuple<u32, string>", "tuple<u32, string, bool>")], Compatible, Bump::Major, None),
    ("the order in a tuple", &[("tuple<u32, string>", "tuple<string, u32>")], Compatible, Bump::Major, None),
    ("a list that is an option now", &[("list<line>", "option<line>")], Compatible, Bump::Major, None),
    // Records.
    ("a field more", &[("quantity: u32,", "quantity: u32, note: string,")], Compatible, Bump::Major, None),
    (
        "an optional field more",
        &[("quantity: u32,", "quantity: u32, note: option<string>,")],
        Compatible,
        Bump::Major,
        None,
    ),
    (
        "a field more in what callers are given",
        &[(MONEY, "record money { amount: s64, currency: string, minor: u8 }")],
        Breaking,
        Bump::Major,
        None,
    ),
    ("a field less", &[("quantity: u32,", "")], Compatible, Bump::Major, None),
    ("the order of fields", &[(MONEY, "record money { currency: string, amount: s64 }")], Breaking, Bump::Major, None),
    ("a field's name", &[("amount: s64", "units: s64")], Breaking, Bump::Major, None),
    ("a wider field", &[("quantity: u32", "quantity: u64")], Compatible, Bump::Major, None),
    ("a field's sign", &[("quantity: u32", "quantity: s32")], Compatible, Bump::Major, None),
    (
        "a field that is not optional any more",
        &[("price: option<money>", "price: money")],
        Compatible,
        Bump::Major,
        None,
    ),
    ("a record that is a tuple now", &[(MONEY, "type money = tuple<s64, string>;")], Breaking, Bump::Major, None),
    // Variants, enums, flags.
    ("a case more", &[("gone }", "gone, closed }")], Compatible, Bump::Major, None),
    ("a case less", &[(", gone }", " }")], Compatible, Bump::Major, None),
    (
        "the order of cases",
        &[(PROBLEM, "variant problem { not-found(string), gone, conflict(string) }")],
        Compatible,
        Bump::Major,
        None,
    ),
    ("what a case carries", &[("conflict(string)", "conflict(u32)")], Compatible, Bump::Major, None),
    ("a case that carries nothing any more", &[("conflict(string)", "conflict")], Compatible, Bump::Major, None),
    ("a case of an enum more", &[("small, large", "small, medium, large")], Compatible, Bump::Major, None),
    ("the name of an enum's case", &[("small, large", "small, big")], Compatible, Bump::Major, None),
    ("an enum that is a variant now", &[("enum size", "variant size")], Compatible, Bump::Major, None),
    ("a flag more", &[("gift, express", "gift, express, fragile")], Compatible, Bump::Major, None),
    ("a flag less", &[("gift, express", "gift")], Compatible, Bump::Major, None),
    (
        "flags that are a record now",
        &[("flags options { gift, express }", "record options { gift: bool, express: bool }")],
        Compatible,
        Bump::Major,
        None,
    ),
    // Names of types.
    ("an alias that is written out", &[("sku: sku", "sku: string")], DropIn, Bump::None, None),
    ("an alias less", &[("problem, sku}", "problem}"), ("sku: sku", "sku: string")], Compatible, Bump::Major, None),
    ("an alias of something else", &[("type sku = string", "type sku = u64")], Compatible, Bump::Major, None),
    ("an alias more", &[("enum size", "type weight = u32; enum size")], DropIn, Bump::Minor, None),
    (
        "a type's name",
        &[("record line", "record row"), ("line: line", "line: row"), ("list<line>", "list<row>")],
        Compatible,
        Bump::Major,
        None,
    ),
    ("a type more", &[("enum size", "enum mood { good, bad } enum size")], DropIn, Bump::Minor, None),
    (
        "a type of another interface more that nobody uses",
        &[(MONEY, "record money { amount: s64, currency: string } enum mood { good, bad }")],
        DropIn,
        Bump::None,
        None,
    ),
    (
        "a type of another interface more that a new function uses",
        &[
            (MONEY, "record money { amount: s64, currency: string } enum mood { good, bad }"),
            ("problem, sku}", "problem, sku, mood}"),
            (TOTAL, "total: func(id: string) -> option<money>; feel: func() -> mood;"),
        ],
        Compatible,
        Bump::Minor,
        None,
    ),
    (
        "a type that moves to another interface",
        &[
            ("enum size { small, large }", ""),
            (MONEY, "record money { amount: s64, currency: string } enum size { small, large }"),
            ("problem, sku}", "problem, sku, size}"),
        ],
        Compatible,
        Bump::Minor,
        None,
    ),
    // Interfaces.
    ("an interface more", &[("export cart;", "export cart; export extra;")], DropIn, Bump::Minor, None),
    ("the interface less", &[("export cart;", "")], Breaking, Bump::Major, None),
    ("an interface that is imported now", &[("export cart;", "import cart;")], Breaking, Bump::Major, None),
    (
        "an interface's name",
        &[
            ("interface cart", "interface basket"),
            ("export cart;", "export basket;"),
            ("import cart;", "import basket;"),
        ],
        Breaking,
        Bump::Major,
        None,
    ),
    (
        "a function beside the interfaces",
        &[("export cart;", "export cart; export ping: func();")],
        DropIn,
        Bump::Minor,
        None,
    ),
    // Imports from others.
    ("no event any more", &[("import events;", "")], DropIn, Bump::Patch, None),
    ("no calls any more", &[("import payment;", "")], DropIn, Bump::Patch, None),
    ("a called function less", &[(REFUND, "")], DropIn, Bump::Patch, None),
    (
        "a called function more, which nobody has",
        &[(REFUND, "refund: func(order: string); void: func(order: string);")],
        Breaking,
        Bump::Minor,
        None,
    ),
    (
        "what it calls a function with",
        &[(CHARGE, "charge: func(order: string, amount: u64) -> result<string>;")],
        Breaking,
        Bump::Major,
        None,
    ),
    (
        "what it is answered",
        &[(CHARGE, "charge: func(order: string, amount: money) -> result<string, string>;")],
        Breaking,
        Bump::Major,
        None,
    ),
    (
        "what an event carries",
        &[("changed: func(id: string)", "changed: func(id: string, at: u64)")],
        Breaking,
        Bump::Major,
        None,
    ),
    (
        "calls of another interface",
        &[("import events;", "import events; import extra;")],
        Compatible,
        Bump::Minor,
        None,
    ),
    (
        "a call beside the interfaces",
        &[("import events;", "import events; import tick: func();")],
        Compatible,
        Bump::Minor,
        None,
    ),
];

/// The faults in the judgement of a row.
fn faults(shop: &Shop, (what, edits, level, bump, stricter): &Row) -> Vec<String> {
    let Beside { found, wac, semver, mut faults } = shop.judge(&text(edits)).expect("it is WIT");
    if (found.level, found.bump) != (*level, *bump) {
        faults.push("it is judged otherwise".into());
    }
    if stricter.is_some() != (found.level != DropIn && (wac || semver)) {
        faults.push(format!("stricter, or not any more: wac-types says {wac}, semver_check says {semver}"));
    }
    faults.into_iter().map(|fault| format!("{what}: {fault}\n{found}")).collect()
}

#[test]
fn no_edit_is_taken_for_a_drop_in_that_an_oracle_refuses() {
    let shop = Shop::new();
    let faults: Vec<_> = ROWS.iter().flat_map(|row| faults(&shop, row)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}
