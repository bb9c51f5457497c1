//! The host under test: started, killed, and started again on one data directory.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use shop_tests::{Client, Process};
use switchyard::fail_point::{POINT_VARIABLE, SABOTAGE_VARIABLE, Sabotage};
use tokio::sync::watch;

use crate::plan::Point;

/// Small segments and frequent checkpoints, so that a short round passes everything that a long life does.
pub(crate) const SETTINGS: [(&str, &str); 2] =
    [("SWITCHYARD_STORE_CHECKPOINT_MS_MAX", "20"), ("SWITCHYARD_STORE_SEGMENT_BYTES", "16777216")];

/// The host ends at its start although no fail point is armed; the error below contains the reason.
#[derive(Debug, thiserror::Error)]
#[error("the host does not start")]
pub(crate) struct DoesNotStart;

/// The two addresses of a running host.
#[derive(Debug, Clone)]
pub(crate) struct Doors {
    pub(crate) public: Client,
    pub(crate) operator: Client,
}

/// The current addresses of each host that a client uses; `None` while it is down.
pub(crate) type Entrances = Vec<watch::Receiver<Option<Doors>>>;

#[derive(Debug)]
pub(crate) struct Host {
    program: PathBuf,
    data: PathBuf,
    sabotage: Option<Sabotage>,
    process: Option<Process>,
    doors: watch::Sender<Option<Doors>>,
}

impl Host {
    /// A host that is not started yet. This program itself runs as the host when its first argument says so.
    pub(crate) fn new(data: &Path, sabotage: Option<Sabotage>) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        Ok(Self { program, data: data.into(), sabotage, process: None, doors: watch::Sender::new(None) })
    }

    /// Its current addresses; `None` while it is down.
    pub(crate) fn doors(&self) -> Entrances {
        vec![self.doors.subscribe()]
    }

    /// Starts it, and publishes its addresses when it serves. With an armed point it may die before: then this returns
    /// false.
    pub(crate) async fn start(&mut self, armed: Option<Point>) -> anyhow::Result<bool> {
        let point = armed.map(|point| format!("{}:{}", point.name, point.time));
        let mut environment = SETTINGS.to_vec();
        environment.extend(point.as_deref().map(|point| (POINT_VARIABLE, point)));
        environment.extend(self.sabotage.map(|sabotage| (SABOTAGE_VARIABLE, sabotage.name())));
        let started = Process::start_with(&self.program, &self.data, &environment).await;
        let process = match (started, armed) {
            (Ok(process), _) => process,
            // If the data is wrong, the next start, without an armed point, fails too.
            (Err(_died), Some(_)) => return Ok(false),
            (Err(error), None) => return Err(error.context(DoesNotStart)),
        };
        let doors = Doors { public: process.client.unchecked(), operator: process.operator.clone() };
        self.process = Some(process);
        self.doors.send_replace(Some(doors));
        Ok(true)
    }

    /// Kills it with SIGKILL.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        let process = self.process.take().context("the host runs")?;
        process.kill().await?;
        self.doors.send_replace(None);
        Ok(())
    }

    /// Resolves when it has died by itself, which happens only at a fail point.
    pub(crate) async fn died(&mut self) -> anyhow::Result<()> {
        use std::os::unix::process::ExitStatusExt as _;

        let status = self.process.as_mut().context("the host runs")?.ended().await?;
        self.doors.send_replace(None);
        let process = self.process.take().context("the host ran")?;
        let log = process.kill().await?;
        anyhow::ensure!(status.signal() == Some(6), "the host ended with {status}: {log:?}");
        Ok(())
    }

    /// Kills it, which releases the lock on its data directory.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        if self.process.is_some() { self.kill().await } else { Ok(()) }
    }
}
