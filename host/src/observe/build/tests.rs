use super::*;

#[test]
fn the_version_of_wasmtime_is_the_locked_one() {
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock")).expect("Cargo.lock");
    let package = lock.split("[[package]]").find(|package| package.contains("name = \"wasmtime\"\n"));
    let version = package.and_then(|package| package.lines().find_map(|line| line.strip_prefix("version = ")));
    assert_eq!(version, Some(&*format!("{WASMTIME:?}")));
}
