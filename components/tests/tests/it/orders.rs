//! Orders: ownership, their list, and cancelling them.

use serde_json::{Value, json};
use shop_tests::json::{list, number, text, with};
use shop_tests::{Client, Customer, Shop, pages};

async fn ids(client: &Client, path: &str) -> anyhow::Result<Vec<String>> {
    pages::all(client, path).await?.iter().flatten().map(|order| text(order, "/id")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_listed_newest_first_to_their_customer_and_staff() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 100).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let eve = Customer::sign_up(&shop.client, "eve", "tok_ok").await?;
    assert_eq!(eve.client.ask("GET /orders").await?.expect(200)?, json!({ "items": [] }));
    let (mut all, mut adas) = (Vec::new(), Vec::new());
    for number in 0..7 {
        let buyer = if number % 3 == 0 { &eve } else { &ada };
        let id = text(&buyer.buy(&[("mug-01", 1)]).await?, "/id")?;
        all.insert(0, id.clone());
        if number % 3 != 0 {
            adas.insert(0, id);
        }
    }
    for path in ["/orders?", "/orders?limit=1", "/orders?limit=3", "/orders?limit=100"] {
        assert_eq!(ids(&ada.client, path).await?, adas, "{path}");
        assert_eq!(ids(&staff.client, path).await?, all, "{path}");
    }
    let page = ada.client.ask("GET /orders?limit=2").await?.expect(200)?;
    assert_eq!(list(&page, "/items")?.len(), 2);
    let cursor = text(&page, "/nextCursor")?;
    let of_list = format!("GET /orders?cursor={cursor}");
    for (client, line, expected) in [
        (&ada.client, of_list.as_str(), "200"),
        (&eve.client, &of_list, "400 ?cursor"),
        (&staff.client, &of_list, "400 ?cursor"),
        (&ada.client, "GET /orders?limit=0", "400 ?limit"),
        (&ada.client, "GET /orders?status=placed", "400 ?status"),
    ] {
        assert_eq!(client.ask(line).await?.told()?, expected, "{line}");
    }
    for client in [&ada.client, &staff.client] {
        assert_eq!(text(&client.ask(&format!("GET /orders/{}", adas[0])).await?.expect(200)?, "/id")?, adas[0]);
    }
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_cancelled_before_it_ships_and_not_after() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 100).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    for (by, packed, refunded) in [(&ada.client, false, 0), (&staff.client, true, 0), (&ada.client, true, 500)] {
        let order = ada.buy(&[("mug-01", 2)]).await?;
        let (shipment, payment) = (text(&order, "/shipment/id")?, text(&order, "/payment/id")?);
        if packed {
            staff.record(&shipment, "packed").await?.expect(200)?;
        }
        if refunded > 0 {
            let refund = json!({ "amount": { "amount": refunded, "currency": "EUR" }, "reason": "late" });
            staff.client.send(&format!("POST /payments/{payment}/refunds"), &refund).await?.expect(201)?;
        }
        let line = format!("POST /orders/{}/cancel", text(&order, "/id")?);
        let cancelled = by.ask(&line).await?.expect(200)?;
        let expected = with(&with(&order, "/status", "cancelled"), "/payment/status", "refunded");
        assert_eq!(cancelled, with(&expected, "/shipment/status", "cancelled"));
        for again in [by, &ada.client] {
            assert_eq!(again.ask(&line).await?.expect(200)?, cancelled, "again, the same answer");
        }
        assert_eq!(ada.client.ask(&format!("GET /orders/{}", text(&order, "/id")?)).await?.expect(200)?, cancelled);
        assert_eq!(shop.available("mug-01").await?, 100);
        let shipment = ada.client.ask(&format!("GET /shipments/{shipment}")).await?.expect(200)?;
        assert_eq!(shipment["status"], "cancelled");
        let payment = ada.client.ask(&format!("GET /payments/{payment}")).await?.expect(200)?;
        assert_eq!(payment["status"], "refunded");
        let given_back: i64 =
            list(&payment, "/refunds")?.iter().filter_map(|refund| refund["amount"]["amount"].as_i64()).sum();
        assert_eq!(given_back, number(&order, "/total/amount")?, "once, and no more than was paid");
    }

    for path in [&["shipped"][..], &["packed", "shipped"], &["shipped", "delivered"], &["shipped", "lost"]] {
        let order = ada.buy(&[("mug-01", 1)]).await?;
        let available = shop.available("mug-01").await?;
        for status in path {
            staff.record(&text(&order, "/shipment/id")?, status).await?.expect(200)?;
        }
        for client in [&ada.client, &staff.client] {
            let answer = client.ask(&format!("POST /orders/{}/cancel", text(&order, "/id")?)).await?;
            assert_eq!(answer.told()?, "409", "{path:?}");
        }
        let payment = format!("GET /payments/{}", text(&order, "/payment/id")?);
        let payment: Value = ada.client.ask(&payment).await?.expect(200)?;
        assert_eq!((&payment["status"], &payment["refunds"]), (&json!("captured"), &json!([])), "{path:?}");
        assert_eq!(shop.available("mug-01").await?, available, "{path:?}");
    }
    shop.stop().await?;
    Ok(())
}
