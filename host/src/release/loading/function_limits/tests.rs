use super::*;
use crate::config::{Flags, load};
use crate::contract::Contracts;

const CONTRACT: &str = "package a:b@1.0.0;

interface c {
    record identity { id: string, role: string }
    /// `authenticate`
    authenticate: func(token: string) -> option<identity>;
    /// `POST /sessions`
    sign-in: func(password: string) -> string;
    sign-out: func();
}

world d {
    export c;
}
";

#[test]
fn slots_are_for_functions_of_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let package = folder.path().join("wit/b");
    std::fs::create_dir_all(&package).expect("a folder");
    std::fs::write(package.join("b.wit"), CONTRACT).expect("a file");
    let world = Contracts::read(&folder.path().join("wit")).expect("a contract").world("a:b/d").expect("a world");
    let name = ServiceName::parse("account").expect("a name");
    let check = |functions: &str, expected: Option<&str>| {
        let manifest = folder.path().join("switchyard.toml");
        let limits = format!("limits.function_calls_in_flight_max = {{ {functions} }}");
        let text = format!("[services.account]\ncontract = \"a:b/d\"\ncomponent = \"a.wasm\"\n{limits}\n");
        std::fs::write(&manifest, text).expect("a manifest");
        let manifest = load(&manifest, &[], Flags::default()).expect("a good manifest").manifest;
        let settings = manifest.services.get(&name).expect("the service");
        let refused = check_function_limits(&name, settings, &world).err().map(|error| error.to_string());
        let expected =
            expected.map(|expected| format!("`services.account.limits.function_calls_in_flight_max` names {expected}"));
        assert_eq!(refused, expected, "{functions}");
    };
    check("", None);
    check("sign-in = 2, sign-out = 3", None);
    check("sing-in = 2", Some("`sing-in`: it is not a function of a:b/d@1.0.0: did you mean `sign-in`?"));
    let known = "known are authenticate, sign-in, sign-out";
    check("sign-in = 2, hash = 1", Some(&format!("`hash`: it is not a function of a:b/d@1.0.0: {known}")));
    check("authenticate = 2", Some("`authenticate`: its calls have slots of their own: remove it"));
}
