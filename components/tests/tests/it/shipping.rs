//! Shipping: quotes, and the states of shipments.

use serde_json::{Value, json};
use shop_tests::json::{list, members, number, text, time, with, without};
use shop_tests::{Customer, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn anyone_can_ask_what_a_parcel_costs() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let valid = json!({ "country": "DE", "postalCode": "20457", "weightGrams": 500 });
    for country in ["DE", "FR", "JP"] {
        let quotes =
            shop.client.send("POST /shipping/quotes", &with(&valid, "/country", country)).await?.expect(200)?;
        assert_eq!(members(&quotes), "options");
        let options = list(&quotes, "/options")?;
        let prices =
            options.iter().map(|option| number(option, "/price/amount")).collect::<anyhow::Result<Vec<_>>>()?;
        assert!(prices.is_sorted() && prices.iter().all(|price| *price > 0), "{country}: {prices:?}");
        assert!(options.iter().any(|option| option["option"] == "standard"), "{country}: {quotes}");
        for option in options {
            assert_eq!(members(option), "option carrier price estimatedDays");
        }
    }
    let cases = [
        (with(&valid, "/weightGrams", 0), "200"),
        (with(&valid, "/country", "de"), "422 /country"),
        (with(&valid, "/country", "UK"), "422 /country"),
        (with(&with(&valid, "/country", ""), "/postalCode", " "), "422 /country /postalCode"),
        (with(&valid, "/weightGrams", 1.5), "400 /weightGrams"),
        (with(&valid, "/weightGrams", u64::from(u32::MAX) + 1), "400 /weightGrams"),
        (without(&valid, "/country"), "400 /country"),
    ];
    for (body, expected) in cases {
        assert_eq!(shop.client.send("POST /shipping/quotes", &body).await?.told()?, expected, "{body}");
    }
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shipment_moves_forward_only() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 100).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    // Each path from the start: the recorded states, in order, with the answers.
    let paths = [
        "packed:200 packed:409 shipped:200 packed:409 shipped:409 delivered:200 lost:409 delivered:409 shipped:409",
        "shipped:200 lost:200 delivered:409",
        "delivered:200 packed:409",
        "lost:200",
        "scheduled:422 cancelled:422 Packed:400 returned:400 packed:200",
    ];
    for path in paths {
        let order = ada.buy(&[("mug-01", 1)]).await?;
        let id = text(&order, "/shipment/id")?;
        let mut moves = vec!["scheduled"];
        for step in path.split(' ') {
            let (status, expected) = step.split_once(':').expect("a status and what is told");
            let answer = staff.record(&id, status).await?;
            assert_eq!(answer.status.as_u16().to_string(), expected, "{path}: {status} {}", answer.body);
            assert!(["200", "409"].contains(&expected) || answer.told()?.ends_with(" /status"), "{}", answer.body);
            if expected == "200" {
                moves.push(status);
            }
        }
        let shipment = ada.client.ask(&format!("GET /shipments/{id}")).await?.expect(200)?;
        assert_eq!(members(&shipment), "id orderId option trackingNumber status events");
        assert_eq!((&shipment["orderId"], &shipment["option"]), (&order["id"], &json!("standard")));
        assert_eq!(shipment["trackingNumber"], order["shipment"]["trackingNumber"]);
        let events = list(&shipment, "/events")?;
        assert_eq!(events.iter().map(|event| event["status"].clone()).collect::<Vec<Value>>(), moves, "{path}");
        assert_eq!(shipment["status"], json!(moves.last()), "{path}");
        let times = events.iter().map(|event| time(event, "/at")).collect::<anyhow::Result<Vec<_>>>()?;
        assert!(times.is_sorted(), "{path}: {times:?}");
    }
    let id = text(&ada.buy(&[("mug-01", 1)]).await?, "/shipment/id")?;
    let line = format!("POST /shipments/{id}/events");
    let cases = [
        (line.as_str(), json!({ "status": "packed", "note": "x".repeat(501) }), "422 /note"),
        (&line, json!({ "note": "no status" }), "400 /status"),
        (&line, json!({ "status": "packed", "at": "now" }), "400 /at"),
        (&line, json!({ "status": "packed", "note": "in a box" }), "200"),
        ("POST /shipments/shp_nobody/events", json!({ "status": "packed" }), "404"),
    ];
    for (line, body, expected) in cases {
        assert_eq!(staff.client.send(line, &body).await?.told()?, expected, "{body}");
    }
    let shipment = ada.client.ask(&format!("GET /shipments/{id}")).await?.expect(200)?;
    assert_eq!(members(&shipment["events"][0]), "status at");
    assert_eq!(
        (members(&shipment["events"][1]).as_str(), &shipment["events"][1]["note"]),
        ("status note at", &json!("in a box"))
    );
    shop.stop().await?;
    Ok(())
}
