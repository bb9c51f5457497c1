//! Linking compares types: it finds each single difference, and nothing else.

use std::sync::Arc;

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

use super::{LIMITS, SETTINGS};
use crate::contract::{Contracts, World};
use crate::names::ServiceName;
use crate::runtime::{Code, LinkError, LinkSettings, Runtime};
use crate::tasks::Outages;

/// A contract with every kind of type.
const CONTRACT: &str = "
    package a:types@1.0.0;

    interface every {
        record point { x: s32, label: string }
        variant shape { nothing, circle(f64) }
        enum size { small, large }
        flags marks { red, blue }
        numbers: func(a: u8, b: u16, c: u32, d: u64, e: s8, f: s16, g: s32, h: s64, i: f32, j: f64, k: char);
        truth: func(it: bool) -> bool;
        text: func(it: string) -> option<string>;
        points: func(them: list<point>) -> tuple<point, u32>;
        shapes: func(it: shape) -> result<shape, string>;
        sizes: func(it: size, m: marks) -> result;
        nested: func(it: result<u32, size>) -> option<list<u8>>;
    }
    world service {
        export every;
    }";

/// A component with exactly the world `world` of the package `wit`, and without any behaviour.
fn component(wit: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("contract.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}

fn world(wit: &str) -> Arc<World> {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("contract");
    std::fs::create_dir(&package).unwrap();
    std::fs::write(package.join("contract.wit"), wit).unwrap();
    Contracts::read(folder.path()).unwrap().world("a:types/service").unwrap()
}

fn link(runtime: &Runtime, code: &Arc<Code>, world: &Arc<World>) -> Result<(), LinkError> {
    let service = ServiceName::parse("every").unwrap();
    let settings = LinkSettings { service, environment: Vec::new(), outbound_hosts: Vec::new(), limits: LIMITS };
    runtime.link(code, world, settings).map(drop)
}

#[test]
fn a_function_with_other_types_than_the_contracts_is_not_linked() {
    let runtime = Runtime::new(&SETTINGS, &Outages::default()).unwrap();
    let code = runtime.compile(&component(CONTRACT, "service")).unwrap();
    link(&runtime, &code, &world(CONTRACT)).unwrap();
    let check = |function: &str, from: &str, to: &str| {
        assert!(CONTRACT.contains(from), "{from} is not in the contract");
        let linked = link(&runtime, &code, &world(&CONTRACT.replace(from, to)));
        let Err(LinkError::WrongType { function: found, .. }) = linked else { panic!("{from} -> {to}: {linked:?}") };
        assert_eq!(&*found, function, "{from} -> {to}");
    };
    for parameter in ["a: u8", "b: u16", "c: u32", "d: u64", "e: s8", "f: s16", "g: s32", "h: s64", "i: f32", "j: f64"]
    {
        check("numbers", parameter, &format!("{}: char", &parameter[..1]));
    }
    check("numbers", "k: char", "k: string");
    check("numbers", "(a: u8", "(z: u8");
    check("numbers", ", k: char", "");
    check("numbers", "k: char)", "k: char, l: char)");
    check("truth", "-> bool", "-> u8");
    check("truth", " -> bool", "");
    check("text", "-> option<string>", "-> string");
    check("text", "-> option<string>", "-> option<char>");
    check("points", "x: s32", "x: u32");
    check("points", "label: string", "name: string");
    check("points", "x: s32,", "x: s32, y: s32,");
    check("points", "list<point>", "point");
    check("points", "tuple<point, u32>", "tuple<point>");
    check("points", "tuple<point, u32>", "tuple<point, u64>");
    check("shapes", "nothing, circle(f64)", "circle(f64), nothing");
    check("shapes", "circle(f64)", "circle");
    check("shapes", "circle(f64)", "circle(f64), square");
    check("shapes", "result<shape, string>", "result<shape>");
    check("shapes", "result<shape, string>", "result<_, string>");
    check("shapes", "-> result<shape, string>", "-> shape");
    check("sizes", "small, large", "small");
    check("sizes", "small, large", "large, small");
    check("sizes", "red, blue", "red, green");
    check("sizes", " -> result;", ";");
    check("nested", "result<u32, size>", "result<u32>");
    check("nested", "result<u32, size>", "result<size, u32>");
    check("nested", "option<list<u8>>", "option<list<s8>>");
}

#[test]
fn a_function_that_is_not_there_is_not_linked() {
    let runtime = Runtime::new(&SETTINGS, &Outages::default()).unwrap();
    let without = CONTRACT.replace("truth: func(it: bool) -> bool;", "");
    let code = runtime.compile(&component(&without, "service")).unwrap();
    let linked = link(&runtime, &code, &world(CONTRACT));
    assert!(matches!(&linked, Err(LinkError::MissingExport { function, .. }) if **function == *"truth"), "{linked:?}");
}

/// The host's own interface, as a component may import it.
const SERVICE: &str = "/../wit/service/service.wit";

#[test]
fn a_migration_with_other_types_than_the_hosts_is_not_linked() {
    let runtime = Runtime::new(&SETTINGS, &Outages::default()).unwrap();
    let service = std::fs::read_to_string(format!("{}{SERVICE}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let nothing = world("package a:types@1.0.0; world service {}");
    let link_changed = |from: &str, to: &str| {
        assert!(service.contains(from), "{from} is not in the interface");
        let code = runtime.compile(&component(&service.replace(from, to), "migrating")).unwrap();
        link(&runtime, &code, &nothing)
    };
    link_changed("version: u32", "version: u32").unwrap();
    for (from, to) in [
        ("reads-up-to: u32", "reads-up-to: u64"),
        ("pause-ms-max: u32", "pause-s-max: u32"),
        ("-> result<_, string>", "-> result"),
        ("migrate: func(%from: u32)", "migrate: func()"),
    ] {
        let linked = link_changed(from, to);
        assert!(matches!(linked, Err(LinkError::WrongType { .. })), "{from} -> {to}: {linked:?}");
    }
    let linked = link_changed("describe: func() -> data;", "");
    assert!(matches!(linked, Err(LinkError::MissingExport { .. })), "{linked:?}");
}
