//! `cargo xtask fuzz`: runs every fuzz target for a minute.

use crate::step::{Step, target};
use crate::wasm;

/// Builds the guests, from which inputs are created, and runs the targets with `options`.
pub(crate) fn run(options: &[String]) -> anyhow::Result<()> {
    wasm::add_target()?;
    wasm::build_guests()?;
    // Builds the whole workspace, so that the host's dependencies have the same features as in the tests.
    Step::cargo("the fuzz targets", &["build", "--release", "--workspace", "--bin", "fuzz"]).run()?;
    let program = target().join("release/fuzz");
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    Step { program: &program.to_string_lossy(), ..Step::cargo("fuzzing", &options) }.run()
}
