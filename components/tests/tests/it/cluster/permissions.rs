//! A cluster has enough of the permissions that its documents ask for.

use anyhow::Context as _;
use shop_tests::{Customer, workspace};

use super::nats::Nats;

/// The permissions of the hosts in the files for Kubernetes, as a NATS server reads them.
fn documented() -> anyhow::Result<String> {
    let values = std::fs::read_to_string(workspace().join("deploy/kubernetes/nats-values.yaml"))?;
    let (_, permissions) = values.split_once("permissions:").context("permissions")?;
    let (publish, rest) = permissions.split_once("subscribe:").context("a list for subscribing")?;
    let subscribe = rest.lines().next().context("subjects")?;
    Ok(format!("{publish} subscribe: {subscribe}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_permissions_are_enough() -> anyhow::Result<()> {
    let Some(nats) = Nats::start_permitting(&documented()?)? else { return Ok(()) };
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let settings = [("SWITCHYARD_CLUSTER_NAME", "shop")];
    let leader = nats.shop_with("a", folders[0].path(), &settings).await?;
    let follower = nats.shop_with("b", folders[1].path(), &settings).await?;
    // A component goes through the object store, and a write through the stream.
    let shipping = std::fs::read(workspace().join("target/wasm32-wasip2/release/alternative_shipping.wasm"))?;
    let deploy = "POST /services/shipping/releases";
    follower.operator.send_with(deploy, &[("content-type", "application/wasm")], shipping).await?.expect(201)?;
    follower.staff().await?.sell("mug-01", 1250, 5).await?;
    let ada = Customer::sign_up(&leader.client, "ada", "tok_ok").await?;
    ada.buy(&[("mug-01", 1)]).await?;
    // The other one begins an epoch.
    leader.kill().await?;
    ada.at(&follower.client).buy(&[("mug-01", 1)]).await?;
    let log = nats.log()?;
    let refused: Vec<_> = log.lines().filter(|line| line.contains("Violation")).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    Ok(())
}
