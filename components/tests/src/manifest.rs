//! The manifest of a test: the shop's own, or one whose services run their alternative implementation.

use std::fs;
use std::path::PathBuf;

use crate::shop::workspace;

/// Names the services that run their alternative implementation: `inventory,shipping`.
const ALTERNATIVES: &str = "SHOP_ALTERNATIVES";

/// The path of the manifest to start with.
///
/// # Errors
///
/// When a service has no alternative, or the manifest cannot be written.
pub(crate) fn manifest() -> anyhow::Result<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "this is the configuration of the tests, not of the host")]
    let alternatives = std::env::var(ALTERNATIVES).unwrap_or_default();
    let (root, shops) = (workspace(), workspace().join("switchyard.toml"));
    if alternatives.is_empty() {
        return Ok(shops);
    }
    let mut text = fs::read_to_string(shops)?;
    for service in alternatives.split(',') {
        let (own, other) = (format!("/{service}.wasm"), format!("/alternative_{service}.wasm"));
        anyhow::ensure!(text.contains(&own), "{ALTERNATIVES} names {service}, which is no service of the shop");
        text = text.replace(&own, &other);
    }
    // The file is in another folder, so that its paths are no longer relative to it.
    let absolute = |path: &str| format!("\"{}/{path}", root.display());
    let text = text.replace("\"target/", &absolute("target/")).replace("\"storefront\"", &absolute("storefront\""));
    let path = root.join(format!("target/shop-with-{}.toml", alternatives.replace(',', "-")));
    let whole = format!("[host]\nwit = {}\n{text}", absolute("wit\""));
    // Tests run at the same time: a reader sees a whole file.
    let unfinished = tempfile::NamedTempFile::new_in(root.join("target"))?;
    fs::write(&unfinished, whole)?;
    unfinished.persist(&path)?;
    Ok(path)
}
