//! The shop's page in a real browser: Chromium, driven through ChromeDriver. `cargo xtask browser` runs it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to whoever runs it")]

mod axe;
mod browser;
mod checks;
mod driver;
mod goods;
mod scenarios;
mod screenshots;

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::StreamExt as _;
use futures::stream;
use shop_tests::Shop;
use tokio::time::timeout;

use crate::driver::Driver;
use crate::scenarios::{SCENARIOS, Scenario, Stage};

/// Scenarios at once: each mostly waits for its browser.
const AT_ONCE: usize = 3;

/// The longest that a scenario takes on a busy machine, with room to spare.
const SCENARIO_TIME_MAX: Duration = Duration::from_mins(4);

/// The longest that the shop takes to start, to answer or to stop there.
const STEP_TIME_MAX: Duration = Duration::from_mins(1);

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
#[expect(clippy::disallowed_methods, reason = "every task is awaited here")]
async fn run(names: &[String]) -> anyhow::Result<()> {
    let axe = axe::source();
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|part| name.contains(part.as_str()));
    let wanted = SCENARIOS.into_iter().filter(|(name, _)| is_wanted(name));
    // Each in a task of its own, so that one that blocks its thread does not hold up the others.
    let running = wanted.map(|(name, scenario)| {
        let axe = axe.clone();
        async move { tokio::spawn(run_one(name, scenario, axe)).await.unwrap_or(Some(name)) }
    });
    let done: Vec<Option<&str>> = stream::iter(running).buffer_unordered(AT_ONCE).collect().await;
    let failed: Vec<&str> = done.iter().copied().flatten().collect();
    anyhow::ensure!(!done.is_empty(), "no scenario has such a name");
    anyhow::ensure!(failed.is_empty(), "failed in the browser: {}", failed.join(", "));
    println!("{} scenarios hold in the browser", done.len());
    Ok(())
}

/// Runs a scenario and says how it ended. Gives its name if it failed.
#[expect(clippy::disallowed_methods, reason = "the host's clock is not there to be used by its tests")]
async fn run_one(name: &'static str, scenario: Scenario, axe: Option<String>) -> Option<&'static str> {
    let begin = Instant::now();
    let mut done = run_once(scenario, axe.as_deref()).await;
    if let Err(hangs) = &done
        && hangs.is::<BrowserHangs>()
    {
        println!("AGAIN   {name}: {hangs}");
        done = run_once(scenario, axe.as_deref()).await;
    }
    match done {
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

/// The browser, which is not what is tested, has got stuck.
#[derive(Debug)]
struct BrowserHangs;

impl std::error::Error for BrowserHangs {}

impl fmt::Display for BrowserHangs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the browser did not end within {} s, and the shop answers", SCENARIO_TIME_MAX.as_secs())
    }
}

/// Runs a scenario in a shop and a browser of its own.
async fn run_once(scenario: Scenario, axe: Option<&str>) -> anyhow::Result<()> {
    let start = async {
        let shop = Shop::start().await?;
        let staff = shop.staff().await?;
        anyhow::Ok((shop, staff, Driver::start().await?))
    };
    let (shop, staff, driver) = timeout(STEP_TIME_MAX, start).await.context("the shop does not start")??;
    let stage = Stage { shop: &shop, staff: &staff, driver: &driver, axe };
    let done = match timeout(SCENARIO_TIME_MAX, scenario(&stage)).await {
        Ok(done) => done,
        Err(_) => match timeout(STEP_TIME_MAX, shop.client.ask("GET /items")).await {
            Ok(answer) => answer.and_then(|answer| answer.expect(200)).and(Err(BrowserHangs.into())),
            Err(_) => Err(anyhow::anyhow!("the shop does not answer")),
        },
    };
    drop(driver);
    timeout(STEP_TIME_MAX, shop.stop()).await.context("the shop does not stop")??;
    done
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
