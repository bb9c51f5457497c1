//! The manifest of a test: the shop's own, or one whose services run their alternative implementation.

use std::fs;
use std::path::PathBuf;

use crate::alternatives;
use crate::shop::workspace;

/// The path of the manifest to start with.
///
/// # Errors
///
/// When a service is unknown, or the manifest cannot be written.
pub(crate) fn manifest() -> anyhow::Result<PathBuf> {
    let (root, shops) = (workspace(), workspace().join("switchyard.toml"));
    let services = alternatives::from_the_start();
    if services.is_empty() {
        return Ok(shops);
    }
    let mut text = fs::read_to_string(shops)?;
    for service in &services {
        let own = format!("\"target/wasm32-wasip2/release/{service}.wasm\"");
        anyhow::ensure!(text.contains(&own), "{service} is no service of the shop");
        text = text.replace(&own, &format!("\"{}\"", alternatives::file(service)?.display()));
    }
    // The file is in another folder, so that its paths are no longer relative to it.
    let absolute = |path: &str| format!("\"{}/{path}", root.display());
    let text = text.replace("\"target/", &absolute("target/")).replace("\"storefront\"", &absolute("storefront\""));
    let path = root.join(format!("target/shop-with-{}.toml", services.join("-")));
    let whole = format!("[host]\nwit = {}\n{text}", absolute("wit\""));
    // Tests run at the same time: a reader sees a whole file.
    let unfinished = tempfile::NamedTempFile::new_in(root.join("target"))?;
    fs::write(&unfinished, whole)?;
    unfinished.persist(&path)?;
    Ok(path)
}
