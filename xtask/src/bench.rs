//! `cargo xtask bench`: measures the platform and native baselines.

use crate::step::{Step, build};
use crate::wasm;

/// Builds everything in release and measures; `options` are those of the benchmark.
pub(crate) fn run(options: &[String]) -> anyhow::Result<()> {
    wasm::add_target()?;
    wasm::build_shop()?;
    wasm::build_alternatives()?;
    wasm::build_guests()?;
    build("the host", "switchyard")?;
    let program = build("the benchmark", "bench")?;
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    Step { program: &program.to_string_lossy(), ..Step::cargo("measuring", &options) }.run()
}
