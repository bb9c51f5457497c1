//! Measures the platform beside native baselines of the same operations, in one run, on this machine.
//!
//! Every server is a process of its own, driven by the same client over loopback. A row says requests a second, the
//! 50th and 99th percentile of the latency, and the CPU time of the server for one request.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to whoever runs it")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    reason = "figures for people are rounded, and a measurement that goes wrong ends"
)]

mod load;
mod native;
mod pauses;
mod process;
mod recovery;
mod rows;
mod shop;
mod swaps;
mod table;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, Subcommand};
use switchyard::config::{Flags, load};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Measures the platform beside native baselines of the same operations")]
struct Arguments {
    /// Seconds that each load lasts.
    #[arg(long, default_value_t = 4, global = true)]
    seconds: u64,
    /// Only the rows whose name has this text.
    #[arg(long)]
    only: Option<String>,
    /// The folder of the workspace.
    #[arg(long, default_value = ".", global = true)]
    workspace: PathBuf,
    /// The table as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Swaps releases under load: what they take, and what callers notice.
    Swap,
    /// Kills a host with ten thousand calls begun: how long after its start they have ended.
    Recovery,
    /// Serves as a baseline; the measurements start it by themselves.
    #[command(hide = true)]
    Serve {
        kind: Baseline,
        #[arg(long)]
        data: PathBuf,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Baseline {
    Journal,
    Redb,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    match arguments.command {
        Some(Command::Serve { kind, data }) => runtime.block_on(serve(kind, &data, &arguments.workspace)),
        Some(Command::Swap) => runtime.block_on(async {
            let report = swaps::measure(&arguments.workspace, Duration::from_secs(arguments.seconds)).await?;
            show(&report, arguments.json)
        }),
        Some(Command::Recovery) => {
            runtime.block_on(async { show(&recovery::measure(&arguments.workspace).await?, arguments.json) })
        }
        None => runtime.block_on(async {
            let time = Duration::from_secs(arguments.seconds);
            let report = rows::measure(&arguments.workspace, time, arguments.only.as_deref()).await?;
            show(&report, arguments.json)
        }),
    }
}

fn show(report: &(impl serde::Serialize + std::fmt::Display), json: bool) -> anyhow::Result<()> {
    match json {
        true => println!("{}", serde_json::to_string_pretty(report)?),
        false => print!("{report}"),
    }
    Ok(())
}

async fn serve(kind: Baseline, data: &Path, workspace: &Path) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    match kind {
        Baseline::Journal => {
            let settings = load(&workspace.join("switchyard.toml"), &[], Flags::default())?.manifest.store;
            native::serve(listener, native::JournalBackend::open(data, &settings)?).await
        }
        Baseline::Redb => native::serve(listener, native::RedbBackend::open(data)?).await,
    }
}
