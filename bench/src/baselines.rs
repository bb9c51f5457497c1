//! The servers that the platform is compared with, each a process of its own.

use std::net::SocketAddr;
use std::path::Path;

use tempfile::TempDir;
use tokio::process::Command;

use crate::native::Owner;
use crate::process::Server;

/// The smallest server of Node.js: it answers a few bytes, and looks at nothing.
const NODE_HELLO: &str = "const server = require('http').createServer((request, response) => {
    response.setHeader('Content-Length', 5);
    response.end('hello');
});
server.listen(0, '127.0.0.1', () => console.log('127.0.0.1:' + server.address().port));";

pub(crate) struct Baselines {
    pub(crate) journal: Server,
    pub(crate) redb: Server,
    /// `None` without Node.js.
    pub(crate) node: Option<Server>,
    /// The carts first: that process takes the requests.
    pub(crate) five: Vec<Server>,
    /// Deleted with this value.
    data: TempDir,
}

impl Baselines {
    pub(crate) async fn start(workspace: &Path) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let folder = |name: &str| -> anyhow::Result<_> {
            let folder = data.path().join(name);
            std::fs::create_dir(&folder)?;
            Ok(folder)
        };
        let journal = Server::baseline("journal", &folder("journal")?, workspace, &[]).await?;
        let redb = Server::baseline("redb", &folder("redb")?, workspace, &[]).await?;
        let mut node = Command::new("node");
        node.args(["-e", NODE_HELLO]);
        let node = match Server::printing_address(node).await {
            Ok(node) => Some(node),
            Err(error) => {
                eprintln!("without Node.js there is no figure to compare a GET with: {error:#}");
                None
            }
        };
        let five = five(workspace, data.path()).await?;
        Ok(Self { journal, redb, node, five, data })
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        for server in [self.journal, self.redb].into_iter().chain(self.node).chain(self.five) {
            server.stop().await?;
        }
        Ok(self.data.close()?)
    }
}

/// Starts the five processes of the shop; each knows the addresses of those that it calls.
pub(crate) async fn five(workspace: &Path, data: &Path) -> anyhow::Result<Vec<Server>> {
    let (mut servers, mut peers) = (Vec::new(), Vec::new());
    for owner in [Owner::Shipping, Owner::Payment, Owner::Inventory, Owner::Account, Owner::Cart] {
        let folder = data.join(format!("service-{}", owner.name()));
        std::fs::create_dir(&folder)?;
        let options: Vec<_> = ["--service".into(), owner.name().into()].into_iter().chain(peers.clone()).collect();
        let server = Server::baseline("service", &folder, workspace, &options).await?;
        peers.extend(["--peer".into(), peer(owner, server.address)]);
        servers.push(server);
    }
    servers.reverse();
    Ok(servers)
}

fn peer(owner: Owner, address: SocketAddr) -> String {
    format!("{}={address}", owner.name())
}
