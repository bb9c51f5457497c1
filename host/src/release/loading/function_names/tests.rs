use super::*;
use crate::config::{Flags, load};

const CONTRACT: &str = "package a:b@1.0.0;

interface c {
    /// `POST /sessions`
    sign-in: func(password: string) -> string;
    sign-out: func();
}

world d {
    export c;
}
";

/// The error for a manifest with `sections` and the service `account`.
fn refusal(sections: &str) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let package = folder.path().join("wit/b");
    std::fs::create_dir_all(&package).expect("a folder");
    std::fs::write(package.join("b.wit"), CONTRACT).expect("a file");
    let manifest = folder.path().join("switchyard.toml");
    let services = "[services.account]\ncontract = \"a:b/d\"\ncomponent = \"a.wasm\"\n";
    std::fs::write(&manifest, format!("{sections}\n{services}")).expect("a manifest");
    let manifest = load(&manifest, &[], Flags::default()).expect("a good manifest").manifest;
    check_functions(&manifest).err().map(|error| error.to_string())
}

#[test]
fn rates_are_for_functions_that_clients_call() {
    let check = |functions: &str, expected: Option<&str>| {
        let refused = refusal(&format!("[gateway.calls_per_minute_per_client]\n{functions}"));
        let expected = expected.map(|expected| format!("`gateway.calls_per_minute_per_client` names {expected}"));
        assert_eq!(refused, expected, "{functions}");
    };
    check("", None);
    check("\"account.sign-in\" = 10", None);
    let nearest = "it is not a function of a:b/d@1.0.0: did you mean `sign-in`?";
    check("\"account.sing-in\" = 10", Some(&format!("`account.sing-in`: {nearest}")));
    let internal = "no request of a client calls it, so remove it (a:b/d@1.0.0)";
    check("\"account.sign-out\" = 10", Some(&format!("`account.sign-out`: {internal}")));
}

#[test]
fn slots_for_all_services_are_for_functions_that_one_has() {
    let check = |functions: &str, expected: Option<&str>| {
        let refused = refusal(&format!("[limits]\nfunction_calls_in_flight_max = {{ {functions} }}"));
        let expected = expected.map(|expected| format!("`limits.function_calls_in_flight_max` names {expected}"));
        assert_eq!(refused, expected, "{functions}");
    };
    check("sign-in = 2, sign-out = 2", None);
    check("sing-in = 2", Some("`sing-in`: no service has such a function: did you mean `sign-in`?"));
}

#[test]
fn a_contract_that_does_not_exist_is_named_with_those_that_do() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join("wit/b")).expect("a folder");
    std::fs::write(folder.path().join("wit/b/b.wit"), CONTRACT).expect("a file");
    let manifest = folder.path().join("switchyard.toml");
    std::fs::write(&manifest, "[services.x]\ncontract = \"a:b/e\"\ncomponent = \"a.wasm\"\n").expect("a manifest");
    let manifest = load(&manifest, &[], Flags::default()).expect("a good manifest").manifest;
    let error = check_functions(&manifest).unwrap_err().to_string();
    assert!(error.starts_with("x has the contract a:b/e,") && error.ends_with("there are: a:b/d@1.0.0"), "{error}");
}
