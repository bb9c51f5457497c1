//! `cargo xtask test`: every check of the project, the fastest to fail first.

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::crash;
use crate::nats;
use crate::step::{Step, root};
use crate::wasm;

/// The version that `deny.toml` is written for.
const DENY_VERSION: &str = "0.20.2";

/// All services, for the shop's tests with their second implementations.
const ALTERNATIVES: &str = "account,inventory,cart,payment,shipping";

/// The tests of the shop that see it only through its REST API. The others deploy, hand over or kill the shop's own components.
/// The host's tests are of the same name, so what has a module of the same name there is skipped.
const TESTS_OF_THE_API: [&str; 17] = [
    "accounts::",
    "at_once::",
    "carts::",
    "checkout::",
    "events::an_account",
    "events::an_order",
    "events::the_shop_runs",
    "gateway::",
    "items::",
    "orders::",
    "payments::",
    "purchase::",
    "race::",
    "retries::",
    "sessions::",
    "shipping::",
    "--skip=calls::",
];

/// Runs every check. All use the release profile, so that what is compiled for one step is ready for the next.
#[expect(clippy::disallowed_methods, reason = "the host's clock is not there to be used by what builds it")]
pub(crate) fn run() -> anyhow::Result<()> {
    let begin = Instant::now();
    wasm::add_target()?;
    Step::cargo("format", &["fmt", "--all", "--check"]).run()?;
    let lints = ["clippy", "--workspace", "--all-targets", "--release", "--", "-D", "warnings"];
    Step::cargo("lints", &lints).run()?;
    wasm::lint_shop()?;
    wasm::build_shop()?;
    wasm::build_alternatives()?;
    wasm::build_guests()?;
    nats::install_for_tests();
    Step::cargo("tests", &["test", "--workspace", "--release"]).run()?;
    test_alternatives()?;
    crash::short()?;
    let docs = ["doc", "--workspace", "--no-deps", "--release"];
    Step { environment: &[("RUSTDOCFLAGS", "-D warnings")], ..Step::cargo("docs", &docs) }.run()?;
    println!(
        "\n== services in other languages: not checked, `cargo xtask alternatives` needs npm and pip, and checks them"
    );
    if has_deny() {
        // Advisories need a database from the network; `cargo xtask deny` checks them too.
        Step::cargo("dependencies", &["deny", "check", "bans", "licenses", "sources"]).run()?;
    } else {
        println!("\n== dependencies: not checked, `cargo xtask deny` installs cargo-deny and checks them");
    }
    println!("\nAll of it holds; it took {:.1} min.", begin.elapsed().as_secs_f64() / 60.0);
    Ok(())
}

/// Runs the tests of the shop's API with the second implementations of all services.
fn test_alternatives() -> anyhow::Result<()> {
    // Of the whole workspace: dependencies of one package alone have other features, and would be built again.
    let begin = ["test", "--workspace", "--release", "--test", "it", "--"];
    let arguments: Vec<_> = begin.into_iter().chain(TESTS_OF_THE_API).collect();
    let environment = [("SHOP_ALTERNATIVES", ALTERNATIVES)];
    Step { environment: &environment, ..Step::cargo("the shop's tests with second implementations", &arguments) }.run()
}

/// `cargo xtask deny`: installs cargo-deny, which takes minutes, and checks everything in `deny.toml`.
pub(crate) fn deny() -> anyhow::Result<()> {
    if !has_deny() {
        let install = ["install", "cargo-deny", "--locked", "--version", DENY_VERSION];
        Step::cargo("installing cargo-deny", &install).run()?;
    }
    Step::cargo("dependencies", &["deny", "check"]).run()
}

fn has_deny() -> bool {
    let asked = Command::new("cargo")
        .args(["deny", "--version"])
        .current_dir(root())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}
