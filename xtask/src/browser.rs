//! `cargo xtask browser`: the shop's page in a real browser.

use crate::step::{Step, target};
use crate::wasm;

/// Builds the shop and drives Chromium through its page. `options` are passed on.
pub(crate) fn run(options: &[String]) -> anyhow::Result<()> {
    wasm::add_target()?;
    wasm::build_shop()?;
    // With a test, dependencies have the features that `cargo xtask test` has built them with.
    let driver = ["build", "--release", "--workspace", "--bin", "browser-tests", "--test", "it"];
    Step::cargo("the browser's driver", &driver).run()?;
    let program = target().join("release/browser-tests");
    let arguments: Vec<&str> = options.iter().map(String::as_str).collect();
    let step = Step::cargo("the shop's page in a browser", &arguments);
    Step { program: &program.to_string_lossy(), ..step }.run()
}
