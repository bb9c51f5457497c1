//! `cargo xtask bench`: measures the platform and native baselines.

use crate::step::{Step, build};
use crate::{nats, wasm};

/// Builds what is measured in release and measures; `options` are those of the benchmark.
pub(crate) fn run(options: &[String]) -> anyhow::Result<()> {
    // The plot is drawn from earlier results.
    if options.first().is_none_or(|option| option != "plot") {
        build_measured()?;
    }
    if options.iter().any(|option| option == "cluster") {
        nats::install()?;
    }
    let program = build("the benchmark", "bench")?;
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    Step { program: &program.to_string_lossy(), ..Step::cargo("measuring", &options) }.run()
}

fn build_measured() -> anyhow::Result<()> {
    wasm::add_target()?;
    wasm::build_shop()?;
    wasm::build_alternatives()?;
    wasm::build_guests()?;
    let chain = ["build", "--release", "--target", wasm::TARGET, "--package", "chain"];
    Step::cargo("the guest of the benchmark", &chain).run()?;
    build("the host", "switchyard").map(drop)
}
