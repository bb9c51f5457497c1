//! `cargo xtask fuzz`: runs every fuzz target for a minute.

use crate::step::{Step, build};
use crate::wasm;

/// Builds the guests, from which inputs are created, and runs the targets with `options`.
pub(crate) fn run(options: &[String]) -> anyhow::Result<()> {
    wasm::add_target()?;
    wasm::build_guests()?;
    let program = build("the fuzz targets", "fuzz")?;
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    Step { program: &program.to_string_lossy(), ..Step::cargo("fuzzing", &options) }.run()
}
