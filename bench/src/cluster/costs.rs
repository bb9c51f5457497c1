//! What the cluster costs beside one host with local files: checkouts, and reads through a host that follows.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::nodes::{Cluster, NODES};
use super::{CHECKOUTS_MIN, READ_CPU_MAX, writes};
use crate::load::Script;
use crate::operation::{Operation, checkout, get_item};
use crate::platform::{ready_customers, start_host};
use crate::process::Server;
use crate::rows::Load;
use crate::shop;
use crate::table::Figure;
use crate::targets::{Bound, Target};

/// Checkouts that one customer can make in a second of load: a load that has no cart left ends early.
const CHECKOUTS_PER_SECOND: u64 = 40;

const ONE_HOST: &str = "one host";
const CLUSTER: &str = "cluster";

pub(super) async fn measure(workspace: &Path, cluster: &Cluster, time: Duration) -> anyhow::Result<Vec<Target>> {
    eprintln!("preparing: one host with local files");
    let data = tempfile::tempdir()?;
    let (alone, operator, _) = start_host(workspace, data.path()).await?;
    let staff = shop::staff(alone.address, operator, data.path()).await?;
    shop::stock(alone.address, &staff, writes::ITEMS).await?;
    let leader = cluster.leader().await?.host;
    eprintln!("measuring: checkouts");
    let one = checkouts(ONE_HOST, &[&alone], time).await?;
    let several = checkouts(CLUSTER, &cluster.processes(leader)?, time).await?;
    let rates = [&several, &one].map(|figure| Some(figure.requests_per_second));
    eprintln!("measuring: reads");
    let one = reads(ONE_HOST, &[&alone], time).await?;
    let several = reads(CLUSTER, &cluster.processes((leader + 1) % NODES)?, time).await?;
    let cpus = [&several, &one].map(|figure| Some(figure.cpu_micros_per_request));
    alone.stop().await?;
    let what = "requests/s at the leader : one host";
    Ok(vec![
        Target::relative("checkouts, 64 clients", what, rates, Bound::AtLeast(CHECKOUTS_MIN)),
        Target::relative("GET through a follower", "CPU µs of all hosts : one host", cpus, Bound::AtMost(READ_CPU_MAX)),
    ])
}

async fn checkouts(name: &'static str, hosts: &[&Server], time: Duration) -> anyhow::Result<Figure> {
    let each = usize::try_from(time.as_secs() * CHECKOUTS_PER_SECOND)?;
    let address: SocketAddr = hosts[0].address;
    let customers = ready_customers(address, each).await?;
    let scripts = customers.into_iter().map(|customer| checkout(Some(customer))).collect();
    run(name, hosts, scripts, time, Operation::Checkout).await
}

async fn reads(name: &'static str, hosts: &[&Server], time: Duration) -> anyhow::Result<Figure> {
    let connections = 0..Operation::GetItem.connections();
    let scripts = connections.map(|connection| get_item(connection * 7919, writes::ITEMS)).collect();
    run(name, hosts, scripts, time, Operation::GetItem).await
}

/// Loads the first of `hosts`, and counts the CPU time of all.
async fn run(
    name: &'static str,
    hosts: &[&Server],
    scripts: Vec<Script>,
    time: Duration,
    operation: Operation,
) -> anyhow::Result<Figure> {
    let (figure, _) = Load::new(name, hosts, scripts).run(time, move |status| operation.is_good(status)).await?;
    anyhow::ensure!(figure.refused == 0, "{name}: {} of {} were refused", figure.refused, operation.name());
    Ok(figure)
}
