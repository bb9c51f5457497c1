//! Handovers of a large store: the shop's inventory moves to another implementation beside writes, and is exported and
//! imported.
//!
//! The store is filled by an import, so that the handover has the amount of data that the import was measured with.

mod items;
mod moving;
mod transfer;
mod writes;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use crate::goals::Goals;
use crate::process::{ONE_ADDRESS, Server};
use crate::{platform, shop};

/// Entities for which the goals for times are.
const GOAL_ENTITIES: f64 = 1e6;

/// Writes per second beside which the store moves.
const WRITES_PER_SECOND: u32 = 500;

/// The goals: seconds for a million entities, megabytes, multiples, and percent of a core.
const TRANSFER_SECONDS_MAX: f64 = 120.0;
const TRANSFER_MEGABYTES_MAX: f64 = 200.0;
const HANDOVER_SECONDS_MAX: f64 = 300.0;
const HELD_MILLIS_MAX: f64 = 250.0;
const P99_RATIO_MAX: f64 = 1.5;
/// What the measurement itself can tell apart.
const IDLE_PERCENT_MAX: f64 = 1.0;
const BESIDE_WRITES_PERCENT_MAX: f64 = 15.0;

/// The shop with a filled inventory, and what is needed to use it.
struct Shop {
    server: Server,
    admin: SocketAddr,
    /// The token of the operator's API.
    operator: String,
    /// The token of a session of the shop's staff.
    staff: String,
    entities: u32,
}

pub(crate) async fn measure(workspace: &Path, time: Duration, entities: u32) -> anyhow::Result<Goals> {
    let workspace = workspace.canonicalize()?;
    let (data, files) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (server, admin, _) = platform::start_host_with(&workspace, data.path(), &ONE_ADDRESS).await?;
    let staff = shop::staff(server.address, admin, data.path()).await?;
    let operator = std::fs::read_to_string(data.path().join("admin-token")).context("the host has a token")?;
    let shop = Shop { server, admin, operator: operator.trim().to_owned(), staff, entities };
    let mut figures = transfer::measure(&workspace, &shop, files.path()).await?;
    figures.extend(moving::measure(&workspace, &shop, time.max(Duration::from_secs(10))).await?);
    shop.server.stop().await?;
    Ok(Goals { title: "handover", figures })
}

impl Shop {
    /// The goal for a time that is proportional to the number of entities, in seconds.
    fn seconds_max(&self, for_a_million: f64) -> f64 {
        for_a_million * f64::from(self.entities) / GOAL_ENTITIES
    }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
