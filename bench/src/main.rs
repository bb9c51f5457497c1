//! Measures the platform and native baselines of the same operations, in one run, on this machine.
//!
//! Every server is a separate process, measured by the same client over loopback. A row contains requests per second,
//! the 50th and 99th percentile of the latency, and the CPU time of the server per request. The targets compare these
//! with goals: a run fails if one is missed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to whoever runs it")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    reason = "figures for people are rounded, and a measurement that goes wrong ends"
)]

mod abuse;
mod baselines;
mod chain;
mod cluster;
mod events;
mod goals;
mod guests;
mod handover;
mod idle;
mod keys;
mod load;
mod machine;
mod memos;
mod metrics;
mod native;
mod neighbours;
mod operation;
mod pace;
mod page;
mod pauses;
mod platform;
mod plot;
mod process;
mod recovery;
mod results;
mod row_goals;
mod rows;
mod shop;
mod start;
mod starts;
mod suite;
mod swaps;
mod table;
mod targets;
mod workers;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use switchyard::config::{Flags, load};
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Measures the platform beside native baselines of the same operations")]
struct Arguments {
    /// The duration of each load in seconds.
    #[arg(long, default_value_t = 4, global = true)]
    seconds: u64,
    /// Only the rows or experiments whose name contains this text.
    #[arg(long, global = true)]
    only: Option<String>,
    /// The folder of the workspace.
    #[arg(long, default_value = ".", global = true)]
    workspace: PathBuf,
    /// Prints the table as JSON. A run of all rows also writes `bench/results/<date>.json`.
    #[arg(long, global = true)]
    json: bool,
    /// Also measures what takes minutes: a store of ten million keys.
    #[arg(long)]
    all: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Swaps releases under load: how long they take, and the effect on callers.
    Swap,
    /// Kills a host with ten thousand unfinished calls, and measures how long after its start all have ended.
    Recovery,
    /// Emits events at a fixed rate: the time from commit to delivery.
    Events,
    /// Commits with a memo and without: the CPU time that a memo adds to a nested call.
    Memo,
    /// The effect of strangers and hostile components on others, compared with a run without them. Fails if a goal is
    /// missed.
    Abuse,
    /// Small durable writes of one service, alone and beside a service that commits as much as it can.
    Neighbours,
    /// Moves a store to another implementation beside writes, and exports and imports it. Fails if a goal is missed.
    Handover {
        /// Entities in the store. The goals for times are for a million, and proportional for fewer.
        #[arg(long, default_value_t = 1_000_000)]
        entities: u32,
    },
    /// Fills a store, stops the host, and starts it again: the time, and the memory.
    Start {
        /// Bytes to fill the store with.
        #[arg(long, default_value_t = 10_000_000_000)]
        data_bytes: u64,
    },
    /// Three hosts over three NATS servers: processes are killed under load, and what the cluster costs is compared with one
    /// host. Fails if a goal is missed.
    Cluster {
        /// Kills: of the host that leads, of one that follows, and of the NATS server that leads the stream, in turn.
        #[arg(long, default_value_t = 20)]
        rounds: u32,
    },
    /// Draws the plot of docs/performance.md and fills its table from bench/results.
    Plot,
    /// Serves as a baseline; the measurements start this command themselves.
    #[command(hide = true)]
    Serve {
        kind: Baseline,
        #[arg(long)]
        data: PathBuf,
        /// For one of the five processes: its service.
        #[arg(long)]
        service: Option<native::Owner>,
        /// The other processes that it calls, each `SERVICE=ADDRESS`.
        #[arg(long)]
        peer: Vec<String>,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Baseline {
    Journal,
    Redb,
    Service,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    // A baseline ends on request, which is not an error.
    if matches!(arguments.command, Some(Command::Serve { .. })) {
        return runtime.block_on(run(&arguments));
    }
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            ended = run(&arguments) => ended,
            // When the measurement is dropped, its processes end and its folders are deleted.
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
            _ = terminate.recv() => anyhow::bail!("asked to end"),
        }
    })
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { only, workspace, json, command, .. } = arguments;
    let time = Duration::from_secs(arguments.seconds);
    match command {
        Some(Command::Serve { kind, data, service, peer }) => serve(*kind, data, workspace, *service, peer).await,
        Some(Command::Plot) => plot::draw(workspace),
        Some(Command::Swap) => show(&swaps::measure(workspace, time).await?, *json),
        Some(Command::Recovery) => show(&recovery::measure(workspace).await?, *json),
        Some(Command::Events) => {
            let report = events::measure(workspace, time).await?;
            show(&report, *json)?;
            report.check()
        }
        Some(Command::Memo) => show(&memos::measure(workspace, time).await?, *json),
        Some(Command::Abuse) => {
            let report = abuse::measure(workspace, time, only.as_deref()).await?;
            show(&report, *json)?;
            report.check()
        }
        Some(Command::Neighbours) => {
            let report = neighbours::measure(workspace, time).await?;
            show(&report, *json)?;
            report.check()
        }
        Some(Command::Handover { entities }) => {
            let report = handover::measure(workspace, time, *entities).await?;
            show(&report, *json)?;
            report.check()
        }
        Some(Command::Cluster { rounds }) => {
            let report = cluster::measure(workspace, time, *rounds).await?;
            show(&report, *json)?;
            report.targets.check()
        }
        Some(Command::Start { data_bytes }) => {
            let report = starts::measure(workspace, *data_bytes).await?;
            show(&report, *json)?;
            report.check()
        }
        None => {
            let selection = suite::Selection { only: only.as_deref(), all: arguments.all };
            let report = suite::measure(workspace, time, selection).await?;
            if *json && only.is_none() {
                results::write(workspace, &report)?;
            }
            show(&report, *json)?;
            report.targets.check()
        }
    }
}

fn show(report: &(impl serde::Serialize + std::fmt::Display), json: bool) -> anyhow::Result<()> {
    match json {
        true => println!("{}", serde_json::to_string_pretty(report)?),
        false => print!("{report}"),
    }
    Ok(())
}

async fn serve(
    kind: Baseline,
    data: &Path,
    workspace: &Path,
    service: Option<native::Owner>,
    peers: &[String],
) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    match kind {
        Baseline::Journal => {
            let settings = load(&workspace.join("switchyard.toml"), &[], Flags::default())?.manifest.store;
            native::serve_shop(listener, native::JournalBackend::open(data, &settings)?).await
        }
        Baseline::Redb => native::serve_shop(listener, native::RedbBackend::open(data)?).await,
        Baseline::Service => {
            let owner = service.context("a service has a name")?;
            let backend = native::RedbBackend::open(data)?;
            native::serve_service(listener, owner, backend, native::Peers::parse(peers)?).await
        }
    }
}
