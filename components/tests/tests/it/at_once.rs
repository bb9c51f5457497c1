//! Many identical requests at once have the effect of one.

use serde_json::{Value, json};
use shop_tests::json::{list, number, text};
use shop_tests::{Answer, Client, Customer, PASSWORD, Shop, Staff};
use tokio::task::JoinSet;

const TIMES: usize = 12;

/// Sends one request many times at once.
async fn many(client: &Client, line: &str, body: &Value) -> anyhow::Result<Vec<Answer>> {
    let mut requests = JoinSet::new();
    for _ in 0..TIMES {
        let (client, line, body) = (client.clone(), line.to_owned(), body.clone());
        requests.spawn(async move {
            if body.is_null() { client.ask(&line).await } else { client.send(&line, &body).await }
        });
    }
    requests.join_all().await.into_iter().collect()
}

/// The number of answers with this status and faults.
fn count(answers: &[Answer], told: &str) -> anyhow::Result<usize> {
    let all: anyhow::Result<Vec<String>> = answers.iter().map(Answer::told).collect();
    Ok(all?.iter().filter(|one| *one == told).count())
}

/// A shop with mugs, its staff, and Ada.
async fn open() -> anyhow::Result<(Shop, Staff, Customer)> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 100).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    Ok((shop, staff, ada))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_address_gets_one_account_and_a_delivery_counts_each_time() -> anyhow::Result<()> {
    let (shop, staff, _ada) = open().await?;
    let details = json!({ "email": "eve@example.com", "name": "Eve", "password": PASSWORD });
    let answers = many(&shop.client, "POST /accounts", &details).await?;
    assert_eq!((count(&answers, "201")?, count(&answers, "409")?), (1, TIMES - 1));
    let answers = many(&staff.client, "POST /items/mug-01/receipts", &json!({ "quantity": 5 })).await?;
    assert_eq!(count(&answers, "200")?, TIMES);
    assert_eq!(shop.available("mug-01").await?, 100 + 5 * i64::try_from(TIMES)?, "no delivery is lost");
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn money_and_goods_go_back_once() -> anyhow::Result<()> {
    let (shop, staff, ada) = open().await?;
    let order = ada.buy(&[("mug-01", 3)]).await?;
    let answers = many(&ada.client, &format!("POST /orders/{}/cancel", text(&order, "/id")?), &Value::Null).await?;
    assert_eq!(count(&answers, "200")?, TIMES);
    assert!(answers.iter().all(|answer| answer.body == answers[0].body), "all get the same answer");
    assert_eq!(shop.available("mug-01").await?, 100);

    let other = ada.buy(&[("mug-01", 1)]).await?;
    let refund = json!({ "amount": other["total"], "reason": "broken" });
    let line = format!("POST /payments/{}/refunds", text(&other, "/payment/id")?);
    let answers = many(&staff.client, &line, &refund).await?;
    assert_eq!((count(&answers, "201")?, count(&answers, "409")?), (1, TIMES - 1));
    for order in [&order, &other] {
        let line = format!("GET /payments/{}", text(order, "/payment/id")?);
        let payment = ada.client.ask(&line).await?.expect(200)?;
        let [refund] = list(&payment, "/refunds")?.as_slice() else { panic!("{payment}") };
        assert_eq!(number(refund, "/amount/amount")?, number(order, "/total/amount")?);
    }
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_ships_while_it_is_cancelled_does_one_of_the_two() -> anyhow::Result<()> {
    let (shop, staff, ada) = open().await?;
    for _ in 0..TIMES {
        let order = ada.buy(&[("mug-01", 1)]).await?;
        let available = shop.available("mug-01").await?;
        let (cancel, shipment) =
            (format!("POST /orders/{}/cancel", text(&order, "/id")?), text(&order, "/shipment/id")?);
        let (cancelled, shipped) = tokio::join!(ada.client.ask(&cancel), staff.record(&shipment, "shipped"));
        let payment = format!("GET /payments/{}", text(&order, "/payment/id")?);
        let payment = ada.client.ask(&payment).await?.expect(200)?;
        let left = shop.available("mug-01").await? - available;
        let told = (cancelled?.told()?, shipped?.told()?);
        match (told.0.as_str(), told.1.as_str()) {
            ("200", "409") => assert_eq!((payment["status"].as_str(), left), (Some("refunded"), 1)),
            ("409", "200") => assert_eq!((payment["status"].as_str(), left), (Some("captured"), 0)),
            _ => panic!("{told:?}"),
        }
    }
    shop.stop().await?;
    Ok(())
}
