//! The shop's page in a real browser: Chromium, driven through ChromeDriver. `cargo xtask browser` runs it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to whoever runs it")]

mod axe;
mod browser;
mod checks;
mod driver;
mod goods;
mod scenarios;
mod screenshots;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use futures::StreamExt as _;
use futures::stream;
use shop_tests::Shop;

use crate::driver::Driver;
use crate::scenarios::{SCENARIOS, Scenario, Stage};

/// Scenarios at once: each mostly waits for its browser.
const AT_ONCE: usize = 3;

const USAGE: &str = "\
Usage: cargo xtask browser [--screenshots | NAME …]

Drives Chromium through the shop's page. With names, only the scenarios whose names contain one of them.
--screenshots writes the pictures of docs/images instead.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument.starts_with('-') && argument != "--screenshots") {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let done = tokio::runtime::Runtime::new().context("cannot start threads").and_then(|runtime| {
        runtime.block_on(async {
            match arguments.as_slice() {
                [option] if option == "--screenshots" => take_screenshots().await,
                names => run(names).await,
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the scenarios, some at once, and fails after all if one failed.
async fn run(names: &[String]) -> anyhow::Result<()> {
    let driver = Driver::start().await?;
    let axe = axe::source();
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|part| name.contains(part.as_str()));
    let wanted = SCENARIOS.into_iter().filter(|(name, _)| is_wanted(name));
    let running = wanted.map(|(name, scenario)| run_one(name, scenario, &driver, axe.as_deref()));
    let done: Vec<Option<&str>> = stream::iter(running).buffer_unordered(AT_ONCE).collect().await;
    let failed: Vec<&str> = done.iter().copied().flatten().collect();
    anyhow::ensure!(!done.is_empty(), "no scenario has such a name");
    anyhow::ensure!(failed.is_empty(), "failed in the browser: {}", failed.join(", "));
    println!("{} scenarios hold in the browser", done.len());
    Ok(())
}

/// Runs a scenario in a shop and a browser of its own, and says how it ended. Gives its name if it failed.
#[expect(clippy::disallowed_methods, reason = "the host's clock is not there to be used by its tests")]
async fn run_one<'a>(name: &'a str, scenario: Scenario, driver: &Driver, axe: Option<&str>) -> Option<&'a str> {
    let begin = Instant::now();
    let done = async {
        let shop = Shop::start().await?;
        let staff = shop.staff().await?;
        let done = scenario(&Stage { shop: &shop, staff: &staff, driver, axe }).await;
        shop.stop().await?;
        done
    };
    match done.await {
        Ok(()) => {
            println!("ok      {name} ({:.1} s)", begin.elapsed().as_secs_f64());
            None
        }
        Err(error) => {
            println!("FAILED  {name}: {error:#}");
            Some(name)
        }
    }
}

async fn take_screenshots() -> anyhow::Result<()> {
    let driver = Driver::start().await?;
    let shop = Shop::start().await?;
    let folder: PathBuf = shop_tests::workspace().join("docs/images");
    let staff = shop.staff().await?;
    screenshots::take(&Stage { shop: &shop, staff: &staff, driver: &driver, axe: None }, &folder).await?;
    shop.stop().await?;
    Ok(())
}
