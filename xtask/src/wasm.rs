//! The components: their toolchain, and building them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::step::{Step, root, target};

pub(crate) const TARGET: &str = "wasm32-wasip2";

/// The shop's services; each is a crate in `components/` of the same name.
pub(crate) const SHOP: [&str; 5] = ["account", "inventory", "cart", "payment", "shipping"];

/// A second implementation of each service, in `components/alternatives`.
const ALTERNATIVES: [&str; 5] =
    ["alternative-account", "alternative-inventory", "alternative-cart", "alternative-payment", "alternative-shipping"];

/// The guests of the host's tests, in `host/tests/`.
const GUESTS: [&str; 10] =
    ["callers", "emits", "errands", "fetches", "hostile", "migrates", "shelves", "takes", "web-0-2", "web-0-3"];

/// Adds the Wasm target to the toolchain that this workspace pins, unless it is there.
pub(crate) fn add_target() -> anyhow::Result<()> {
    let asked = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(root())
        .output()
        .context("cannot run rustc: install Rust with rustup, https://rustup.rs")?;
    let folder = String::from_utf8_lossy(&asked.stdout);
    if asked.status.success() && Path::new(folder.trim()).exists() {
        return Ok(());
    }
    let heading = "adding the Wasm target";
    let added = Step { program: "rustup", ..Step::cargo(heading, &["target", "add", TARGET]) }.run();
    match added {
        Err(error) => bail!("{error:#}\nWithout rustup, install the standard library of {TARGET} by hand."),
        Ok(()) => Ok(()),
    }
}

/// Builds the shop's components in release.
pub(crate) fn build_shop() -> anyhow::Result<()> {
    build("the shop's components", &SHOP)
}

/// Builds the shop's components with data of version 1, and of version 2, into `target/data-version-1` and `-2`. The
/// shop's own are to be built again afterwards.
pub(crate) fn build_data_versions() -> anyhow::Result<()> {
    for (heading, feature, name) in [
        ("the shop's components with data of version 1", "switchyard-sdk/data-version-1", "data-version-1"),
        ("the shop's components with data of version 2", "switchyard-sdk/data-version-2", "data-version-2"),
    ] {
        let begin = ["build", "--release", "--target", TARGET, "--package", "switchyard-sdk", "--features", feature];
        let arguments: Vec<_> = begin.into_iter().chain(packages(&SHOP)).collect();
        Step::cargo(heading, &arguments).run()?;
        let folder = target().join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for service in SHOP {
            let built = target().join(TARGET).join("release").join(format!("{service}.wasm"));
            let copy = folder.join(format!("{service}.wasm"));
            std::fs::copy(&built, &copy).with_context(|| format!("cannot write {}", copy.display()))?;
        }
    }
    Ok(())
}

/// Builds the second implementations of the services in release.
pub(crate) fn build_alternatives() -> anyhow::Result<()> {
    build("the second implementations of the services", &ALTERNATIVES)
}

/// Builds the guests of the host's tests in release.
pub(crate) fn build_guests() -> anyhow::Result<()> {
    build("the guests of the tests", &GUESTS)
}

fn build(heading: &'static str, names: &[&'static str]) -> anyhow::Result<()> {
    let arguments: Vec<_> = ["build", "--release", "--target", TARGET].into_iter().chain(packages(names)).collect();
    Step::cargo(heading, &arguments).run()
}

/// Lints the code of the shop's components that exists only for Wasm.
pub(crate) fn lint_shop() -> anyhow::Result<()> {
    let begin = ["clippy", "--release", "--target", TARGET];
    let arguments = begin.into_iter().chain(packages(&SHOP)).chain(packages(&ALTERNATIVES));
    let arguments: Vec<_> = arguments.chain(["--", "-D", "warnings"]).collect();
    Step::cargo("lints of the components", &arguments).run()
}

fn packages(names: &[&'static str]) -> impl Iterator<Item = &'static str> {
    names.iter().flat_map(|name| ["--package", name])
}
