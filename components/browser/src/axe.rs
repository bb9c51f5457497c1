//! axe-core, the common checker of accessibility, fetched with npm when there is one.

use std::path::PathBuf;
use std::process::{Command, Stdio};

const VERSION: &str = "4.14.1";

/// The script, or nothing where npm does not answer: then only the checks of this program run.
pub(crate) fn source() -> Option<String> {
    let folder: PathBuf = shop_tests::workspace().join("target/axe");
    let script = folder.join("node_modules/axe-core/axe.min.js");
    let is_current = std::fs::read_to_string(folder.join("node_modules/axe-core/package.json"))
        .is_ok_and(|package| package.contains(&format!("\"version\": \"{VERSION}\"")));
    if !is_current {
        let installed = Command::new("npm")
            .args([
                "install",
                "--no-save",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--fetch-timeout=20000",
                "--fetch-retries=1",
            ])
            .arg("--prefix")
            .arg(&folder)
            .arg(format!("axe-core@{VERSION}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status();
        if !installed.is_ok_and(|status| status.success()) {
            println!("LEFT OUT: axe-core, because npm does not answer; the other checks of accessibility run");
            return None;
        }
    }
    match std::fs::read_to_string(&script) {
        Ok(source) => Some(source),
        Err(error) => {
            println!("LEFT OUT: axe-core, because {} cannot be read: {error}", script.display());
            None
        }
    }
}
