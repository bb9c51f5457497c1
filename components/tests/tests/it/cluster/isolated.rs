//! A leader that its NATS server does not reach: what it tells the operator.

use std::time::Duration;

use shop_tests::{Link, LinkState};
use switchyard::clock;

use super::nats::Nats;

/// The longest time until the cut shows, and until it is over.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// Its changes may not be in the stream, and another host may lead: so it shows nothing of its state. A deploy was live there,
/// and acknowledged when it was sent again, and then it was gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_without_its_stream_shows_the_operator_no_state() -> anyhow::Result<()> {
    let Some(nats) = Nats::start()? else { return Ok(()) };
    let (folder, link) = (tempfile::tempdir()?, Link::to(nats.clients()?).await?);
    let servers = format!("[\"{}\"]", link.address);
    let host = nats.shop_with("a", folder.path(), &[("SWITCHYARD_CLUSTER_SERVERS", &servers)]).await?;
    let operator = &host.operator;
    operator.ask("GET /services/cart").await?.expect(200)?;
    link.set(LinkState::HoldsBack);
    let begin = clock::now();
    while operator.ask("GET /readyz").await?.status == 200 {
        anyhow::ensure!(begin.elapsed() < WAIT_MAX, "the host does not notice the cut");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let shown = operator.ask("GET /services/cart").await?;
    assert_eq!(shown.told()?, "503", "{}", shown.body);
    // The host tells of itself.
    for line in ["GET /healthz", "GET /cluster"] {
        operator.ask(line).await?.expect(200)?;
    }
    link.set(LinkState::Whole);
    let begin = clock::now();
    while operator.ask("GET /services/cart").await?.status != 200 {
        anyhow::ensure!(begin.elapsed() < WAIT_MAX, "the host does not show its state again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
