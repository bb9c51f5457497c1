//! One step: a program that runs under a heading and is timed. Its failure shows how to repeat it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, bail};

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The folder that cargo builds into.
pub(crate) fn target() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Builds the program `name` of this workspace in release, and gives its path.
pub(crate) fn build(heading: &str, name: &str) -> anyhow::Result<PathBuf> {
    // With the whole workspace: then the dependencies have the features that all other commands build them with.
    Step::cargo(heading, &["build", "--release", "--workspace", "--bin", name]).run()?;
    Ok(target().join("release").join(name))
}

/// The program of a step, run in the folder of the workspace.
pub(crate) struct Step<'a> {
    pub(crate) heading: &'a str,
    pub(crate) program: &'a str,
    pub(crate) arguments: &'a [&'a str],
    pub(crate) environment: &'a [(&'a str, &'a str)],
}

impl<'a> Step<'a> {
    pub(crate) fn cargo(heading: &'a str, arguments: &'a [&'a str]) -> Self {
        Self { heading, program: "cargo", arguments, environment: &[] }
    }

    #[expect(clippy::disallowed_methods, reason = "the host's clock is not there to be used by what builds it")]
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        println!("\n== {}", self.heading);
        let begin = Instant::now();
        let mut command = Command::new(self.program);
        for name in own_variables() {
            command.env_remove(name);
        }
        let status = command
            .args(self.arguments)
            .envs(self.environment.iter().copied())
            .current_dir(root())
            .status()
            .with_context(|| format!("cannot run {}", self.program))?;
        let seconds = begin.elapsed().as_secs_f64();
        if !status.success() {
            bail!("{} failed after {seconds:.1} s ({status}); to repeat it: {}", self.heading, self.line());
        }
        println!("-- {}: done in {seconds:.1} s", self.heading);
        Ok(())
    }

    /// The step as a command to type into a shell.
    fn line(&self) -> String {
        let quoted = |text: &str| if text.contains(' ') { format!("'{text}'") } else { text.to_owned() };
        let environment = self.environment.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
        let words = [self.program].into_iter().chain(self.arguments.iter().copied()).map(quoted);
        environment.chain(words).collect::<Vec<_>>().join(" ")
    }
}

/// What `cargo run` tells this program about itself. Some build scripts run again when it changes, and everything that
/// depends on them is built again: without it, `cargo xtask` and `cargo` share what they build.
fn own_variables() -> impl Iterator<Item = OsString> {
    let is_own = |name: &OsString| {
        let name = name.to_string_lossy();
        ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|own| name.starts_with(own))
    };
    std::env::vars_os().map(|(name, _)| name).filter(is_own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_failed_can_be_repeated_from_a_shell() {
        let step = Step { environment: &[("A", "-D warnings")], ..Step::cargo("docs", &["doc", "--no-deps"]) };
        assert_eq!(step.line(), "A='-D warnings' cargo doc --no-deps");
    }
}
