//! The build of this program: its version, its commit, and the version of wasmtime.

#[cfg(test)]
mod tests;

/// The version of switchyard.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was built from. The builder names it with the environment variable `SWITCHYARD_COMMIT`, because
/// a build that asked git itself would compile everything again after each commit.
pub const COMMIT: &str = match option_env!("SWITCHYARD_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// The version of wasmtime. A test compares it with `Cargo.lock`.
pub const WASMTIME: &str = "48.0.8";
