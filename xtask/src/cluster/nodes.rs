//! The NATS servers and the hosts: their names, addresses, folders and commands.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::ports::{Kind, NODES, Ports};
use crate::staff::random_hex;
use crate::step::{root, target};

/// Would replace the token of the hosts.
pub(super) const TOKEN_VARIABLE: &str = "SWITCHYARD_ADMIN_TOKEN";

/// The name of the cluster, for NATS and for the hosts.
const CLUSTER: &str = "shop";

/// Where each process writes its log.
pub(super) fn logs() -> PathBuf {
    target().join("cluster/logs")
}

/// A NATS server with a store of its own.
pub(super) struct Nats {
    pub(super) name: String,
    pub(super) clients: String,
    pub(super) monitoring: String,
    folder: PathBuf,
    configuration: String,
}

impl Nats {
    pub(super) fn all(folder: &Path, ports: Ports) -> Vec<Self> {
        let routes: Vec<_> =
            (0..NODES).map(|number| format!("nats://{}", ports.address(Kind::NatsRoutes, number))).collect();
        let server = |number: u16| {
            let name = format!("n{}", number + 1);
            let folder = folder.join(&name);
            let address = |kind| ports.address(kind, number);
            let (clients, monitoring) = (address(Kind::NatsClients), address(Kind::NatsMonitoring));
            let configuration = format!(
                "server_name: {name}\nlisten: {clients}\nhttp: {monitoring}\n\
                 jetstream: {{ store_dir: {store:?}, sync_interval: always }}\n\
                 cluster: {{ name: {CLUSTER}, listen: {between}, routes: [{routes}] }}\n",
                store = folder.join("store"),
                between = address(Kind::NatsRoutes),
                routes = routes.join(", "),
            );
            Self { name, clients, monitoring, folder, configuration }
        };
        (0..NODES).map(server).collect()
    }

    pub(super) fn log(&self) -> PathBuf {
        logs().join(format!("{}.log", self.name))
    }

    /// Writes its configuration. Returns the command that starts it.
    pub(super) fn command(&self, program: &Path) -> anyhow::Result<Command> {
        std::fs::create_dir_all(&self.folder).with_context(|| format!("cannot make {}", self.folder.display()))?;
        let file = self.folder.join("nats.conf");
        std::fs::write(&file, &self.configuration).with_context(|| format!("cannot write {}", file.display()))?;
        let mut command = Command::new(program);
        command.arg("--config").arg(file);
        Ok(command)
    }
}

/// A host with a data directory of its own.
pub(super) struct Host {
    pub(super) name: String,
    pub(super) public: String,
    pub(super) operator: String,
    pub(super) data: PathBuf,
    between: String,
}

impl Host {
    pub(super) fn all(folder: &Path, ports: Ports) -> Vec<Self> {
        let host = |(number, name): (u16, &str)| Self {
            name: name.to_owned(),
            public: ports.address(Kind::Public, number),
            operator: ports.address(Kind::Operator, number),
            data: folder.join(name),
            between: ports.address(Kind::Nodes, number),
        };
        (0..NODES).zip(["a", "b", "c"]).map(host).collect()
    }

    pub(super) fn log(&self) -> PathBuf {
        logs().join(format!("{}.log", self.name))
    }

    pub(super) fn command(&self, program: &Path, servers: &[Nats]) -> Command {
        let servers: Vec<_> = servers.iter().map(|server| format!("{:?}", server.clients)).collect();
        let mut command = Command::new(program);
        command
            .args(["up", "--listen", &self.public, "--admin", &self.operator, "--manifest"])
            .arg(root().join("switchyard.toml"))
            .arg("--data")
            .arg(&self.data)
            .env("SWITCHYARD_CLUSTER_SERVERS", format!("[{}]", servers.join(", ")))
            .env("SWITCHYARD_CLUSTER_NAME", CLUSTER)
            .env("SWITCHYARD_CLUSTER_NODE", &self.name)
            .env("SWITCHYARD_CLUSTER_LISTEN", &self.between)
            .env_remove(TOKEN_VARIABLE);
        command
    }
}

/// Gives all hosts the same admin token, so that one token is enough for whichever host one asks.
pub(super) fn admin_token(hosts: &[Host]) -> anyhow::Result<String> {
    let files: Vec<_> = hosts.iter().map(|host| host.data.join("admin-token")).collect();
    let known = files.iter().find_map(|file| std::fs::read_to_string(file).ok());
    let token = known.map_or_else(|| random_hex(32), |token| Ok(token.trim().to_owned()))?;
    for (host, file) in hosts.iter().zip(files) {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&host.data);
        made.with_context(|| format!("cannot make {}", host.data.display()))?;
        let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&file);
        written
            .and_then(|mut written| writeln!(written, "{token}"))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_knows_the_routes_to_all_and_syncs_each_message() {
        let servers = Nats::all(Path::new("/data"), Ports::parse(&[]).expect("the defaults"));
        let second = &servers.get(1).expect("three servers").configuration;
        let expected = "\
server_name: n2
listen: 127.0.0.1:8190
http: 127.0.0.1:8193
jetstream: { store_dir: \"/data/n2/store\", sync_interval: always }
cluster: { name: shop, listen: 127.0.0.1:8196, routes: [nats://127.0.0.1:8195, nats://127.0.0.1:8196, nats://127.0.0.1:8197] }
";
        assert_eq!(second, expected);
    }
}
