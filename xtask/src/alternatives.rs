//! `cargo xtask alternatives`: services in other languages, which are built, judged and tested like the shop's own.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::step::{Step, root, target};
use crate::wasm;

/// A service in another language: its folder in `components/alternatives`, and what makes a component of it.
struct Alternative {
    service: &'static str,
    folder: &'static str,
    install: fn(&Path) -> anyhow::Result<()>,
    build: fn(&Path, &str) -> anyhow::Result<()>,
}

const ALTERNATIVES: [Alternative; 2] = [
    Alternative { service: "inventory", folder: "inventory-js", install: install_javascript, build: build_javascript },
    Alternative { service: "shipping", folder: "shipping-py", install: install_python, build: build_python },
];

/// The tests of the shop that reach these services, and those that move them.
const TESTS: [&str; 3] = ["items::", "shipping::", "purchase::"];
const HANDOVERS: [&str; 1] = ["handover::"];

/// The file in which a folder remembers what is installed in it.
const INSTALLED: &str = ".installed";

pub(crate) fn run() -> anyhow::Result<()> {
    wasm::add_target()?;
    wasm::build_shop()?;
    // Builds the host, too: the program that judges the alternatives.
    test("the tests of the shop", &["--no-run"], &[], &[])?;
    let mut files = Vec::new();
    for alternative in ALTERNATIVES {
        let file = make(&alternative)?;
        files.push(format!("{}={}", alternative.service, file.display()));
    }
    let services = ALTERNATIVES.map(|alternative| alternative.service).join(",");
    let files = files.join(",");
    let (files, services) = (("SHOP_ALTERNATIVE_FILES", files.as_str()), ("SHOP_HANDED_OVER", services.as_str()));
    test("tests of the shop with them", &[], &TESTS, &[files, services])?;
    test("handovers to them and back", &[], &HANDOVERS, &[files])?;
    println!("\nThe alternatives hold.");
    Ok(())
}

/// Builds one, and judges it.
fn make(alternative: &Alternative) -> anyhow::Result<PathBuf> {
    let folder = target().join("alternatives").join(alternative.folder);
    copy(&root().join("components/alternatives").join(alternative.folder), &folder)?;
    (alternative.install)(&folder)?;
    let switchyard = target().join("release/switchyard");
    let switchyard = text(&switchyard)?;
    let contract = format!("shop:{0}/{0}-service", alternative.service);
    let (wit, out) = (folder.join("wit"), folder.join("component.wasm"));
    let (wit, out) = (text(&wit)?, text(&out)?);
    let write = ["wit", "--contract", &contract, "--out", wit];
    Step { program: switchyard, ..Step::cargo("its contract", &write) }.run()?;
    (alternative.build)(&folder, out)?;
    let check = ["check", out, "--contract", &contract];
    Step { program: switchyard, ..Step::cargo("its verdict", &check) }.run()?;
    Ok(PathBuf::from(out))
}

/// Runs tests of the shop by their names. With the whole workspace, so that dependencies have the features of all other
/// tests; no test of the host has one of these names.
fn test(heading: &str, options: &[&str], names: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<()> {
    let begin = ["test", "--release", "--workspace", "--test", "it"];
    let arguments: Vec<_> = begin.iter().chain(options).chain(&["--"]).chain(names).copied().collect();
    Step { environment, ..Step::cargo(heading, &arguments) }.run()
}

fn install_javascript(folder: &Path) -> anyhow::Result<()> {
    let versions = std::fs::read_to_string(folder.join("package-lock.json")).context("package-lock.json")?;
    install(folder, &versions, || {
        let prefix = text(folder)?;
        let install = ["--prefix", prefix, "ci", "--no-audit", "--no-fund"];
        Step { program: "npm", ..Step::cargo("the toolchain for JavaScript, with npm", &install) }
            .run()
            .context("this needs Node.js 20 or later with npm, and the registry of npm")
    })
}

fn build_javascript(folder: &Path, out: &str) -> anyhow::Result<()> {
    let (program, source, wit) =
        (folder.join("node_modules/.bin/componentize-js"), folder.join("src/inventory.js"), folder.join("wit"));
    let arguments = [text(&source)?, "--wit", text(&wit)?, "--world-name", "component", "--out", out];
    // It answers no HTTP requests and sends none.
    let arguments: Vec<_> = arguments.into_iter().chain(["--disable", "http", "fetch-event"]).collect();
    Step { program: text(&program)?, ..Step::cargo("the inventory in JavaScript", &arguments) }.run()
}

fn install_python(folder: &Path) -> anyhow::Result<()> {
    let requirements = folder.join("requirements.txt");
    let versions = std::fs::read_to_string(&requirements).context("requirements.txt")?;
    install(folder, &versions, || {
        let (environment, pip) = (folder.join(".venv"), folder.join(".venv/bin/pip"));
        let create = ["-m", "venv", text(&environment)?];
        let install = ["install", "--quiet", "--requirement", text(&requirements)?];
        Step { program: "python3", ..Step::cargo("an environment for Python", &create) }
            .run()
            .and_then(|()| {
                Step { program: text(&pip)?, ..Step::cargo("the toolchain for Python, with pip", &install) }.run()
            })
            .context("this needs Python 3.10 or later with venv and pip, and the registry PyPI")
    })
}

fn build_python(folder: &Path, out: &str) -> anyhow::Result<()> {
    let (program, source, wit) = (folder.join(".venv/bin/componentize-py"), folder.join("src"), folder.join("wit"));
    let begin = ["--wit-path", text(&wit)?, "--world", "component", "componentize"];
    let arguments: Vec<_> =
        begin.into_iter().chain(["--python-path", text(&source)?, "--output", out, "app"]).collect();
    Step { program: text(&program)?, ..Step::cargo("the shipping service in Python", &arguments) }.run()
}

/// Runs `install`, unless these versions are installed in `folder` already.
fn install(folder: &Path, versions: &str, install: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let installed = folder.join(INSTALLED);
    if std::fs::read_to_string(&installed).is_ok_and(|known| known == versions) {
        return Ok(());
    }
    install()?;
    std::fs::write(&installed, versions).with_context(|| format!("cannot write {}", installed.display()))
}

/// Copies the files of `from` into `to`. What else is in `to` stays.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in std::fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (path, copy_path) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &copy_path)?;
        } else {
            std::fs::copy(&path, &copy_path).with_context(|| format!("cannot write {}", copy_path.display()))?;
        }
    }
    Ok(())
}

fn text(path: &Path) -> anyhow::Result<&str> {
    match path.to_str() {
        Some(text) => Ok(text),
        None => bail!("the path {} is not UTF-8", path.display()),
    }
}
