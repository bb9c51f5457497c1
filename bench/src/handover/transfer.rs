//! An import into an empty store and an export, by the command line, like an operator's.

use std::path::Path;

use anyhow::ensure;
use tokio::process::Command;

use super::{Shop, TRANSFER_MEGABYTES_MAX, TRANSFER_SECONDS_MAX, items, megabytes};
use crate::goals::Figure;
use crate::process::{Measured, run_measured};

const TRANSFER: &str = "transfer";

pub(super) async fn measure(workspace: &Path, shop: &Shop, files: &Path) -> anyhow::Result<Vec<Figure>> {
    let (filled, exported) = (files.join("items.jsonl"), files.join("exported.jsonl"));
    items::write(&filled, shop.entities)?;
    let path = |path: &Path| path.display().to_string();
    let seconds_max = shop.seconds_max(TRANSFER_SECONDS_MAX);
    let figure = |what, alone, beside, at_most| Figure { experiment: TRANSFER, what, alone, beside, at_most };
    eprintln!("measuring: an import of {} entities", shop.entities);
    let before = shop.server.reset_peak_resident_bytes()?;
    let import = command(workspace, shop, &["import", "inventory", &path(&filled)]).await?;
    let import_peak = shop.server.peak_resident_bytes()?;
    eprintln!("measuring: an export");
    let idle = shop.server.reset_peak_resident_bytes()?;
    let export = command(workspace, shop, &["export", "inventory", "--out", &path(&exported)]).await?;
    let export_peak = shop.server.peak_resident_bytes()?;
    let lines = count_lines(&exported)?;
    // The first and the last line are about the export itself.
    ensure!(lines == u64::from(shop.entities) + 2, "the export has {lines} lines");
    let memory = |what, before, peak| figure(what, megabytes(before), megabytes(peak), TRANSFER_MEGABYTES_MAX);
    Ok(vec![
        figure("an import, s", 0.0, import.took.as_secs_f64(), seconds_max),
        memory("memory of the command that imports, MB", 0, import.peak_resident_bytes),
        memory("memory of the host beside an import, MB", before, import_peak),
        figure("an export, s", 0.0, export.took.as_secs_f64(), seconds_max),
        memory("memory of the command that exports, MB", 0, export.peak_resident_bytes),
        memory("memory of the host beside an export, MB", idle, export_peak),
    ])
}

/// Runs `switchyard` as the operator of the shop.
async fn command(workspace: &Path, shop: &Shop, arguments: &[&str]) -> anyhow::Result<Measured> {
    let mut command = Command::new(workspace.join("target/release/switchyard"));
    command
        .args(arguments)
        .args(["--admin", &format!("http://{}", shop.admin)])
        .env("SWITCHYARD_ADMIN_TOKEN", &shop.operator);
    run_measured(command).await
}

fn count_lines(path: &Path) -> anyhow::Result<u64> {
    use std::io::BufRead as _;
    let mut file = std::io::BufReader::new(std::fs::File::open(path)?);
    let mut lines = 0;
    while file.skip_until(b'\n')? > 0 {
        lines += 1;
    }
    Ok(lines)
}
