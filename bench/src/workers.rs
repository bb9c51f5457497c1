//! One hot service on one worker thread, and on two.

use std::path::Path;
use std::time::Duration;

use crate::load;
use crate::operation::get;
use crate::platform::{REUSE_OFF, start_host_with};
use crate::process::ONE_ADDRESS;
use crate::targets::{Bound, Target};

pub(crate) const NAME: &str = "two worker threads against one";

/// Enough that no worker waits for a request.
const CONNECTIONS: usize = 16;

/// The largest page, so that the client, which needs the same cores, does little for each request.
const PATH: &str = "/items?limit=100";

/// `data` is of a host that has items.
pub(crate) async fn measure(workspace: &Path, data: &Path, time: Duration) -> anyhow::Result<Target> {
    eprintln!("measuring: {NAME}");
    let one = per_second(workspace, data, "1", time).await?;
    let two = per_second(workspace, data, "2", time).await?;
    Ok(Target::relative(NAME, "requests/s : on one thread", [Some(two), Some(one)], Bound::AtLeast(1.8)))
}

async fn per_second(workspace: &Path, data: &Path, threads: &str, time: Duration) -> anyhow::Result<f64> {
    let environment = [&ONE_ADDRESS[..], &[REUSE_OFF, ("TOKIO_WORKER_THREADS", threads)]].concat();
    let (server, _, _) = start_host_with(workspace, data, &environment).await?;
    let report = load::run(server.address, (0..CONNECTIONS).map(|_| get(PATH)).collect(), time).await?;
    server.stop().await?;
    Ok(report.per_second())
}
