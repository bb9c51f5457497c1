//! Other implementations of the shop's services, which the tests run in place of its own.
//!
//! | variable | such as | meaning |
//! |---|---|---|
//! | `SHOP_ALTERNATIVES` | `inventory,shipping` | these services run their alternative from the start |
//! | `SHOP_HANDED_OVER` | `inventory,shipping` | these start as the shop's own, and are handed over before the test begins |
//! | `SHOP_ALTERNATIVE_FILES` | `inventory=FILE,shipping=FILE` | the alternatives, where they are not those in Rust |

use std::path::PathBuf;

use anyhow::Context as _;

use crate::shop::workspace;

const ALTERNATIVES: &str = "SHOP_ALTERNATIVES";
const HANDED_OVER: &str = "SHOP_HANDED_OVER";
const FILES: &str = "SHOP_ALTERNATIVE_FILES";

/// The services that run their alternative from the start.
pub(crate) fn from_the_start() -> Vec<String> {
    list(ALTERNATIVES)
}

/// The services that are handed over to their alternative.
pub(crate) fn handed_over() -> Vec<String> {
    list(HANDED_OVER)
}

/// The services that a test of handovers moves: those with a file of their own, or all.
///
/// # Errors
///
/// When the variable is malformed.
pub fn services() -> anyhow::Result<Vec<String>> {
    let files = files()?;
    let all = ["inventory", "shipping", "payment", "cart", "account"].map(str::to_owned);
    Ok(if files.is_empty() { all.into() } else { files.into_iter().map(|(service, _)| service).collect() })
}

/// The component of the alternative of `service`.
///
/// # Errors
///
/// When the variable is malformed.
pub fn file(service: &str) -> anyhow::Result<PathBuf> {
    let named = files()?.into_iter().find(|(known, _)| known == service).map(|(_, file)| file);
    let built = || workspace().join(format!("target/wasm32-wasip2/release/alternative_{service}.wasm"));
    Ok(named.unwrap_or_else(built))
}

/// Relative paths start at the workspace.
fn files() -> anyhow::Result<Vec<(String, PathBuf)>> {
    let file = |text: String| {
        let (service, file) =
            text.split_once('=').with_context(|| format!("{FILES} has {text}: write SERVICE=FILE"))?;
        Ok((service.to_owned(), workspace().join(file)))
    };
    list(FILES).into_iter().map(file).collect()
}

fn list(variable: &str) -> Vec<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the configuration of the tests, not of the host")]
    let value = std::env::var(variable).unwrap_or_default();
    value.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
