//! The shop whose journal is a stream on a real NATS server. Without one, which `cargo xtask nats` installs, these tests
//! say so and do nothing.

mod every_node;
mod isolated;
mod many;
mod nats;
mod permissions;
mod reads;
mod reseed;

use shop_tests::Customer;
use shop_tests::json::text;

use nats::Nats;

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_on_a_stream_loses_nothing_with_its_process_nor_with_its_machine() -> anyhow::Result<()> {
    let Some(mut nats) = Nats::start()? else { return Ok(()) };
    let (first, second) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let shop = nats.shop("a", first.path()).await?;
    shop.staff().await?.sell("mug-01", 1250, 10).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let order = ada.buy(&[("mug-01", 2)]).await?;
    let line = format!("GET /orders/{}", text(&order, "/id")?);
    shop.kill().await?;

    // The same machine again.
    let shop = nats.shop("a", first.path()).await?;
    let ada = ada.at(&shop.client);
    assert_eq!(ada.client.ask(&line).await?.expect(200)?["id"], order["id"]);
    // A stop of the NATS server only delays what comes next.
    nats.restart()?;
    let other = ada.buy(&[("mug-01", 1)]).await?;
    shop.kill().await?;

    // Another machine, which has nothing. All data comes from the stream, and the releases from its object store.
    let shop = nats.shop("b", second.path()).await?;
    let ada = ada.at(&shop.client);
    for order in [order, other] {
        let line = format!("GET /orders/{}", text(&order, "/id")?);
        assert_eq!(ada.client.ask(&line).await?.expect(200)?["id"], order["id"]);
    }
    ada.buy(&[("mug-01", 1)]).await?;
    Ok(())
}
