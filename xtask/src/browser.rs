//! `cargo xtask browser`: the shop's page in a real browser.

use crate::step::{Step, build};
use crate::wasm;

/// Builds the shop and drives Chromium through its page. `options` are passed on.
pub(crate) fn run(options: &[String]) -> anyhow::Result<()> {
    wasm::add_target()?;
    wasm::build_shop()?;
    let program = build("the browser's driver", "browser-tests")?;
    let arguments: Vec<&str> = options.iter().map(String::as_str).collect();
    let step = Step::cargo("the shop's page in a browser", &arguments);
    Step { program: &program.to_string_lossy(), ..step }.run()
}
