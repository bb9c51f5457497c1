//! One read-only request through four services, beside native processes that do the same over HTTP.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::baselines;
use crate::guests::{self, Guests};
use crate::load::{Connection, Script, request};
use crate::platform::REUSE_OFF;
use crate::rows::{AFRESH, FIVE, Load, REUSED};
use crate::shop::ask;
use crate::table::{Figure, Row};

pub(crate) const NAME: &str = "read through four services";

const CONNECTIONS: usize = 64;

/// Notes of each service, as in the native processes: at most the keys of one commit.
const NOTES: usize = 500;

const SERVICES: [&str; 4] = ["first", "second", "third", "fourth"];

const GUESTS: Guests = Guests {
    manifest: &[r#"
[gateway]
access_log = false

[services.first]
contract = "bench:chain/first-service@1.0.0"
component = "chain.wasm"

[services.second]
contract = "bench:chain/second-service@1.0.0"
component = "chain.wasm"

[services.third]
contract = "bench:chain/third-service@1.0.0"
component = "chain.wasm"

[services.fourth]
contract = "bench:chain/fourth-service@1.0.0"
component = "chain.wasm"
"#],
    contracts: &["chain"],
    components: &["chain.wasm"],
};

pub(crate) async fn measure(workspace: &Path, time: Duration) -> anyhow::Result<Row> {
    eprintln!("measuring: {NAME}");
    let reused = on_platform(workspace, REUSED, &[], time).await?;
    let afresh = on_platform(workspace, AFRESH, &[REUSE_OFF], time).await?;
    let data = tempfile::tempdir()?;
    let servers = baselines::five(workspace, data.path()).await?;
    let native = Load::new(FIVE, &servers.iter().collect::<Vec<_>>(), scripts()).run(time, is_good).await?.0;
    for server in servers {
        server.stop().await?;
    }
    Ok(Row { operation: NAME, connections: CONNECTIONS, figures: vec![reused, afresh, native] })
}

async fn on_platform(
    workspace: &Path,
    name: &'static str,
    variables: &[(&str, &str)],
    time: Duration,
) -> anyhow::Result<Figure> {
    let folder = tempfile::tempdir()?;
    GUESTS.prepare(workspace, folder.path())?;
    let (server, admin) = guests::start(folder.path(), variables).await?;
    let (token, mut operator) = (guests::token(folder.path())?, Connection::open(admin).await?);
    for service in SERVICES {
        let path = format!("/services/{service}/call/fill");
        ask(&mut operator, "POST", &path, Some(&token), Some(&json!({ "count": NOTES }))).await?;
    }
    let figure = Load::new(name, &[&server], scripts()).run(time, is_good).await?.0;
    server.stop().await?;
    Ok(figure)
}

fn is_good(status: u16) -> bool {
    status == 200
}

fn scripts() -> Vec<Script> {
    let script = |connection: usize| -> Script {
        let mut step = connection * 7919;
        Box::new(move |out| {
            step += 1;
            request(out, "GET", &format!("/chain/{}", step % NOTES), None, None);
            true
        })
    };
    (0..CONNECTIONS).map(script).collect()
}
