//! `cargo xtask browser`: the shop's page in a real browser.

use crate::step::Step;
use crate::wasm;

/// Builds the shop and drives Chromium through its page. `options` are passed on.
pub(crate) fn run(options: &[String]) -> anyhow::Result<()> {
    wasm::add_target()?;
    wasm::build_shop()?;
    let begin = ["run", "--release", "--quiet", "--package", "browser-tests", "--"];
    let arguments: Vec<&str> = begin.into_iter().chain(options.iter().map(String::as_str)).collect();
    Step::cargo("the shop's page in a browser", &arguments).run()
}
