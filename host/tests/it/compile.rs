//! What is compiled, and what is refused.

use std::fs;
use std::path::Path;

use switchyard::config::RuntimeSettings;
use switchyard::contract::Contracts;
use switchyard::runtime::{CompileError, LinkError, Origin};
use wasmtime::component::Val;

use crate::guest::{Guest, caching_runtime, component, limits, link_settings, runtime, runtime_settings, workspace};
use crate::log;

#[test]
fn a_damaged_entry_of_the_cache_is_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let compile = || {
        log::capture();
        caching_runtime(&runtime_settings(1), folder.path()).compile(&component("hostile.wasm")).unwrap();
        log::take()
    };
    let of_log = |logged: &str| logged.contains(" compiled digest=");
    assert!(of_log(&compile()));
    assert!(!of_log(&compile()));
    let entry = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let entry = entry.into_iter().find(|path| path.extension().is_none()).unwrap();
    fs::write(&entry, &fs::read(&entry).unwrap()[1..]).unwrap();
    let logged = compile();
    assert!(of_log(&logged) && logged.contains("compiled code is not used"), "{logged}");
    assert!(!of_log(&compile()));
}

#[test]
fn what_is_no_component_or_does_not_fit_is_refused() {
    let runtime = runtime(1);
    for bytes in [&b""[..], b"\0asm\x01\0\0\0", b"not wasm"] {
        assert!(matches!(runtime.compile(bytes), Err(CompileError::Invalid { .. })));
    }
    let bomb = format!("(component (core module (func (local {}))))", "i32 ".repeat(10_001));
    let folder = tempfile::tempdir().unwrap();
    let refused = caching_runtime(&runtime_settings(1), folder.path()).compile(&wat::parse_str(bomb).unwrap());
    let refused = refused.unwrap_err();
    assert!(matches!(refused, CompileError::OverLimit(over) if over.limit == "function_locals_max"));
    let settings = RuntimeSettings { memories_per_component_max: 1, ..runtime_settings(1) };
    let folder = tempfile::tempdir().unwrap();
    let refused = caching_runtime(&settings, folder.path()).compile(&component("hostile.wasm")).unwrap_err();
    let CompileError::Invalid { source } = refused else { panic!("{refused}") };
    assert!(source.to_string().contains("exceeds the configured maximum of 1"), "{source}");
}

#[test]
fn a_component_links_only_to_a_contract_that_it_keeps() {
    let runtime = runtime(1);
    let read = |wit: &str| Contracts::read(&workspace().join(Path::new(wit))).unwrap();
    let hostile = read("host/tests/wit").world("test:hostile/hostile").unwrap();
    let cart = read("wit").world("shop:cart/cart-service").unwrap();
    let code = runtime.compile(&component("hostile.wasm")).unwrap();
    assert!(runtime.link(&code, &hostile, link_settings(limits())).is_ok());
    assert!(matches!(runtime.link(&code, &cart, link_settings(limits())), Err(LinkError::Import { .. })));

    let fetcher = read("host/tests/wit").world("test:fetches/fetcher").unwrap();
    let fetches = runtime.compile(&component("fetches.wasm")).unwrap();
    let ungranted = runtime.link(&fetches, &fetcher, link_settings(limits()));
    assert!(matches!(ungranted, Err(LinkError::Import { source, .. }) if format!("{source:#}").contains("wasi:http")));

    let web = runtime.compile_http(&component("web_0_2.wasm")).unwrap();
    assert!(matches!(runtime.link(&web, &hostile, link_settings(limits())), Err(LinkError::Kind { .. })));
    let tasks = switchyard::tasks::Tasks::default();
    assert!(matches!(runtime.link_http(&code, link_settings(limits()), &tasks), Err(LinkError::Kind { .. })));
    let not_web = runtime.compile_http(b"\0asm\x0d\0\x01\0").unwrap();
    assert!(matches!(runtime.link_http(&not_web, link_settings(limits()), &tasks), Err(LinkError::NoHandler { .. })));
}

#[test]
fn components_are_compiled_at_once_and_each_of_them_once() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = caching_runtime(&runtime_settings(1), folder.path());
    let compile = |file: &'static str| {
        let runtime = runtime.clone();
        move || runtime.compile(&component(file)).unwrap().origin()
    };
    let origins = std::thread::scope(|scope| {
        let files = ["fetches.wasm", "hostile.wasm", "fetches.wasm", "hostile.wasm"];
        let threads = files.map(|file| scope.spawn(compile(file)));
        threads.map(|thread| thread.join().unwrap())
    });
    assert_eq!(origins.iter().filter(|origin| **origin == Origin::Compiler).count(), 2, "{origins:?}");
    assert_eq!(compile("hostile.wasm")(), Origin::Cache);
}

/// The code comes from the cache, whose files the process has mapped as long as it has the code.
#[tokio::test]
async fn the_code_of_a_program_is_gone_when_nobody_has_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = caching_runtime(&runtime_settings(4), folder.path());
    let mapped = || fs::read_to_string("/proc/self/maps").unwrap().matches(folder.path().to_str().unwrap()).count();
    drop(runtime.compile(&component("hostile.wasm")).unwrap());
    assert_eq!(mapped(), 0);
    let guest = Guest::new(&runtime, limits());
    let weak = std::sync::Arc::downgrade(&guest.program);
    for _ in 0..4 {
        guest.run("echo", &[Val::String("hi".into())]).await.unwrap();
    }
    assert!(mapped() > 0);
    drop(guest);
    assert_eq!((weak.strong_count(), mapped()), (0, 0));
}
