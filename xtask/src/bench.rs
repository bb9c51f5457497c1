//! `cargo xtask bench`: measures the platform and native baselines.

use crate::step::Step;
use crate::wasm;

/// Builds everything in release and measures; `options` are those of the benchmark.
pub(crate) fn run(options: &[String]) -> anyhow::Result<()> {
    wasm::add_target()?;
    wasm::build_shop()?;
    wasm::build_alternatives()?;
    wasm::build_guests()?;
    Step::cargo("the host", &["build", "--release", "--package", "switchyard"]).run()?;
    let begin = ["run", "--release", "--package", "bench", "--"];
    let arguments: Vec<_> = begin.into_iter().chain(options.iter().map(String::as_str)).collect();
    Step::cargo("the benchmark", &arguments).run()
}
