use super::*;
use crate::cli::arguments::Command;
use crate::cli::client::fake_host::parsed;

fn checked(component: &str, contract: &str) -> Outcome {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.wasm");
    std::fs::write(&file, wat::parse_str(component).expect("WAT")).expect("a file");
    let manifest = folder.path().join("none.toml");
    let line = format!("switchyard check {} --contract {contract} --manifest {}", file.display(), manifest.display());
    let Command::Check(command) = parsed(&line) else { panic!("{line}") };
    run(&command)
}

#[test]
fn a_component_that_speaks_http_is_judged_without_a_folder_of_contracts() {
    for contract in ["wasi:http", "wasi:http/proxy@0.2.3"] {
        let failure = checked("(component)", contract).expect_err("it exports no handler");
        assert_eq!(failure.kind, Kind::Refused, "{failure}");
        assert!(failure.to_string().contains("does not keep wasi:http"), "{failure}");
    }
    assert_eq!(checked("(component)", "shop:cart/cart").expect_err("no contracts").kind, Kind::Usage);
}
