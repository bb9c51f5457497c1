//! Three nodes: each answers, and the loss of one costs nothing.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use shop_tests::json::{number, text};
use shop_tests::{Client, Customer, workspace};

use super::nats::Cluster;

/// Buys one piece after another through `client` until `stop`; returns how many orders there are.
async fn buy_until(customer: Customer, stop: tokio::sync::watch::Receiver<bool>) -> anyhow::Result<i64> {
    let mut orders = 0;
    while !*stop.borrow() {
        customer.buy(&[("mug-01", 1)]).await?;
        orders += 1;
    }
    Ok(orders)
}

async fn available(client: &Client) -> anyhow::Result<i64> {
    number(&client.ask("GET /items/mug-01").await?.expect(200)?, "/available")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_answers_and_sees_what_another_has_answered() -> anyhow::Result<()> {
    let Some(cluster) = Cluster::start().await? else { return Ok(()) };
    cluster.leader(2, 3).await?;
    cluster.staff.sell("mug-01", 1250, 1000).await?;
    let ada = Customer::sign_up(cluster.at(0), "ada", "tok_ok").await?;
    for round in 1..=30 {
        ada.at(cluster.at(round % 3)).buy(&[("mug-01", 1)]).await?;
        // Each node, at once: a read that asked nobody would sometimes see the number before.
        for node in 0..3 {
            assert_eq!(available(cluster.at(node)).await?, 1000 - i64::try_from(round)?, "node {node}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_killed_or_steps_down_costs_no_request_of_another_node() -> anyhow::Result<()> {
    let Some(mut cluster) = Cluster::start().await? else { return Ok(()) };
    let done = lose_leaders(&mut cluster).await;
    cluster.explained(done).await
}

async fn lose_leaders(cluster: &mut Cluster) -> anyhow::Result<()> {
    let leader = cluster.leader(0, 3).await?;
    cluster.staff.sell("mug-01", 1250, 100_000).await?;
    let others: Vec<usize> = (0..3).filter(|node| *node != leader).collect();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut buyers = tokio::task::JoinSet::new();
    for (number, node) in others.iter().chain(&others).enumerate() {
        let client = cluster.at(*node);
        let customer = Customer::sign_up(client, &format!("customer{number}"), "tok_ok").await?;
        buyers.spawn(buy_until(customer, stopped.clone()));
    }
    let asks = others[0];
    // An orderly end first.
    cluster.nodes[asks].operator.ask("POST /cluster/step-down").await?.expect(202)?;
    let mut second = leader;
    while second == leader {
        second = cluster.leader(asks, 3).await?;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    // Then the first one leads again, and dies within the purchases of the others.
    while second != leader {
        cluster.nodes[asks].operator.ask("POST /cluster/step-down").await?.expect(202)?;
        let before = second;
        while second == before {
            second = cluster.leader(asks, 3).await?;
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let log = cluster.nodes.remove(leader).kill().await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    stop.send_replace(true);
    let mut orders = 0;
    while let Some(ended) = buyers.join_next().await {
        orders += ended?.with_context(|| ["the log of the node that was killed:", &log.join("\n")].join("\n"))?;
    }
    let client = &cluster.nodes[0].client;
    assert_eq!(available(client).await?, 100_000 - orders);
    let captured = cluster.staff.at(client).payments().await?;
    assert_eq!(captured.iter().filter(|payment| payment["status"] == "captured").count(), usize::try_from(orders)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_through_any_node_is_live_on_all_and_each_checks_the_tokens() -> anyhow::Result<()> {
    let Some(cluster) = Cluster::start().await? else { return Ok(()) };
    let leader = cluster.leader(0, 3).await?;
    let follower = (leader + 1) % 3;
    let operator = &cluster.nodes[follower].operator;
    // The other node's token is not this one's.
    let foreign = cluster.nodes[(leader + 2) % 3].operator.at(operator);
    foreign.ask("GET /services").await?.expect(401)?;
    foreign.ask("POST /cluster/step-down").await?.expect(401)?;
    let viewer = json!({ "name": "viewer", "role": "viewer" });
    let viewer = text(&operator.send("POST /tokens", &viewer).await?.expect(201)?, "/token")?;
    let viewer = operator.with_token(viewer);
    viewer.ask("GET /cluster").await?.expect(200)?;
    viewer.ask("POST /cluster/step-down").await?.expect(403)?;
    let before = viewer.ask("GET /services/shipping").await?.expect(200)?;

    let component = std::fs::read(workspace().join("target/wasm32-wasip2/release/alternative_shipping.wasm"))?;
    operator
        .send_with("POST /services/shipping/releases", &[("content-type", "application/wasm")], component)
        .await?
        .expect(201)?;
    for node in &cluster.nodes {
        let live = node.operator.ask("GET /services/shipping").await?.expect(200)?;
        assert_ne!(live["live"]["digest"], before["live"]["digest"]);
        // All of them get ready to read with it.
        for _ in 0..600 {
            if node.operator.ask("GET /readyz").await?.status == 200 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        node.operator.ask("GET /readyz").await?.expect(200)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyed_request_that_runs_at_a_leader_is_answered_by_the_next_one_once() -> anyhow::Result<()> {
    let Some(cluster) = Cluster::start().await? else { return Ok(()) };
    let leader = cluster.leader(0, 3).await?;
    cluster.staff.sell("mug-01", 1250, 100).await?;
    // The client is connected to the leader itself.
    let ada = Customer::sign_up(cluster.at(leader), "ada", "tok_slow").await?;
    let cart = ada.fill_cart(&[("mug-01", 1)]).await?;
    let checkout = async {
        let headers = [("content-type", "application/json"), ("idempotency-key", "once")];
        let body = serde_json::to_vec(&ada.choice())?;
        ada.client.send_with(&format!("POST /carts/{cart}/checkout"), &headers, body).await
    };
    let replaced = async {
        let asks = (leader + 1) % 3;
        // The payment takes two seconds, and begins within this time.
        tokio::time::sleep(Duration::from_millis(500)).await;
        cluster.nodes[leader].signal("STOP").await?;
        let mut next = leader;
        while next == leader {
            next = cluster.leader(asks, 2).await?;
        }
        cluster.nodes[leader].signal("CONT").await?;
        anyhow::Ok(next)
    };
    let (answer, next) = tokio::join!(checkout, replaced);
    answer?.expect(201)?;
    let client = cluster.at(next?);
    assert_eq!(available(client).await?, 99);
    let payments = cluster.staff.at(client).payments().await?;
    assert_eq!(payments.iter().filter(|payment| payment["status"] == "captured").count(), 1, "{payments:?}");
    Ok(())
}
