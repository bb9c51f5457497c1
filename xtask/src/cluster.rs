//! `cargo xtask cluster`: three NATS servers and three hosts with the shop on this machine, until ctrl-c.
//!
//! A process that is killed starts again after a while, as under a service manager, so that one can see what the others do.
//! One that ends with an error ends all.

mod nodes;
mod ports;
mod running;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use crate::http::Client;
use crate::step::{build, root, target};
use crate::{nats, seed, wasm};
use nodes::{Host, Nats};
use ports::Ports;
use running::{Running, Stop};

/// The longest time until a server or a host is ready: the first start compiles every component, three times at once.
const READY_WAIT_MAX: Duration = Duration::from_secs(300);

/// Builds the shop, starts everything, and serves until ctrl-c.
pub(crate) fn run(options: &[String]) -> anyhow::Result<()> {
    let ports = Ports::parse(options)?;
    ports.check_free()?;
    let server = nats::install()?;
    wasm::add_target()?;
    wasm::build_shop()?;
    let program = build("the host", "switchyard")?;
    let folder = target().join("cluster");
    let (servers, hosts) = (Nats::all(&folder, ports), Host::all(&folder, ports));
    let token = nodes::admin_token(&hosts)?;
    let mut running = Running::new(Stop::at_signals()?);
    let served = serve(&mut running, (server, &servers), (program, &hosts), &token);
    let ended = running.end();
    // Ctrl-c is the usual end.
    if running.is_stopped() { ended } else { served.and(ended) }
}

fn serve(
    running: &mut Running,
    (server, servers): (PathBuf, &[Nats]),
    (program, hosts): (PathBuf, &[Host]),
    token: &str,
) -> anyhow::Result<()> {
    println!("\n== three NATS servers and three hosts; their logs are in {}", nodes::logs().display());
    for nats in servers {
        running.start(&nats.name, nats.log(), nats.command(&server)?)?;
    }
    for nats in servers {
        let is_ready = || answers(&nats.monitoring, "/healthz") && streams_have_leaders(&nats.monitoring);
        running.until_ready(&nats.name, READY_WAIT_MAX, is_ready)?;
    }
    for host in hosts {
        running.start(&host.name, host.log(), host.command(&program, servers))?;
    }
    for host in hosts {
        running.until_ready(&host.name, READY_WAIT_MAX, || answers(&host.operator, "/readyz"))?;
    }
    fill(running, hosts)?;
    print!("{}", next(running, servers, hosts, token));
    running.watch()
}

fn answers(address: &str, path: &str) -> bool {
    Client { address, token: None }.get(path).is_ok_and(|answer| answer.status == 200)
}

/// Whether the servers have elected a leader for each stream of an earlier run, which takes them some seconds.
fn streams_have_leaders(monitoring: &str) -> bool {
    let asked = Client { address: monitoring, token: None }.get("/jsz?streams=1&accounts=1");
    let Ok(Ok(status)) = asked.map(|answer| answer.json()) else { return false };
    let items = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let accounts = items(&status, "account_details");
    let mut streams = accounts.iter().flat_map(|account| items(account, "stream_detail"));
    streams.all(|stream| stream.pointer("/cluster/leader").and_then(Value::as_str).is_some_and(|name| !name.is_empty()))
}

/// Fills the shop through the first host, as `cargo xtask up` does.
fn fill(running: &mut Running, hosts: &[Host]) -> anyhow::Result<()> {
    let first = hosts.first().context("there are hosts")?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args([seed::COMMAND, &running.id(&first.name)?.to_string(), &first.public, &first.operator])
        .arg(&first.data)
        .arg(root().join("switchyard.toml"))
        .env_remove(nodes::TOKEN_VARIABLE)
        .stdin(Stdio::null());
    running.run_to_end("what fills the shop", command)
}

fn next(running: &Running, servers: &[Nats], hosts: &[Host], token: &str) -> String {
    let mut text = String::from("\nThe cluster, in which every host has the whole shop:\n\n");
    text += "host  shop                    operator's side         process   data directory\n";
    for host in hosts {
        let Host { name, public, operator, data, .. } = host;
        let id = running.id(name).map_or_else(|_| "-".to_owned(), |id| id.to_string());
        text += &format!("{name:<5} http://{public:<16} http://{operator:<16} {id:<9} {}\n", data.display());
    }
    text += "\nNATS  clients                 monitoring              process\n";
    for Nats { name, clients, monitoring, .. } in servers {
        let id = running.id(name).map_or_else(|_| "-".to_owned(), |id| id.to_string());
        text += &format!("{name:<5} {clients:<23} http://{monitoring:<16} {id}\n");
    }
    let [first, second, third] = hosts else { return text };
    let file = first.data.join("admin-token");
    text += &format!(
        "
admin token       {token}
                  (of every host; kept in {file})

Try next, in another terminal:
  export SWITCHYARD_ADMIN=http://{admin} SWITCHYARD_TOKEN_FILE={file}
  target/release/switchyard cluster status --watch
  curl -s http://{public}/items              # every host answers, whoever leads
  target/release/switchyard cluster step-down               # another host leads; no request fails
  kill -9 {id}                                            # host {name} dies, and starts again after {again} s
The README's purchase works at every host: SHOP=http://{last}. A killed NATS server starts again too.
Ctrl-c ends everything; the data stays in {folder}. Delete that folder to begin again.
",
        file = file.display(),
        admin = second.operator,
        public = second.public,
        name = first.name,
        id = running.id(&first.name).unwrap_or_default(),
        again = running::AGAIN_AFTER.as_secs(),
        last = third.public,
        folder = target().join("cluster").display(),
    );
    text
}
