//! One customer's way through the shop.

use hyper::Method;
use serde_json::json;
use shop_tests::{Customer, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_buys_looks_and_cancels() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    shop.sell(&staff, "mug-01", 1250, 10).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let cart = ada.fill_cart("mug-01", 2).await?;
    let order = ada.check_out(&cart).await?.expect(201)?;
    assert_eq!(order["subtotal"], json!({ "amount": 2500, "currency": "EUR" }));
    assert_eq!(order["status"], "placed");
    assert_eq!(order["payment"]["status"], "captured");
    assert_eq!(order["shipment"]["status"], "scheduled");
    assert_eq!(order["lines"][0]["total"]["amount"], 2500);
    let total = order["total"]["amount"].as_i64();
    assert_eq!(total, order["shipping"]["amount"].as_i64().map(|shipping| shipping + 2500));

    let item = shop.client.send(Method::GET, "/items/mug-01", None, None).await?.expect(200)?;
    assert_eq!(item["available"], 8);
    let id = order["id"].as_str().expect("an order has an id");
    assert_eq!(ada.get(&format!("/orders/{id}")).await?.expect(200)?["id"], order["id"]);
    let payment = order["payment"]["id"].as_str().expect("a payment has an id");
    assert_eq!(ada.get(&format!("/payments/{payment}")).await?.expect(200)?["amount"]["amount"].as_i64(), total);
    let shipment = order["shipment"]["id"].as_str().expect("a shipment has an id");
    assert_eq!(ada.get(&format!("/shipments/{shipment}")).await?.expect(200)?["orderId"], order["id"]);
    assert_eq!(ada.check_out(&cart).await?.expect(409)?["status"], 409);

    let path = format!("/orders/{id}/cancel");
    let cancelled = shop.client.send(Method::POST, &path, Some(&ada.token), None).await?.expect(200)?;
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["payment"]["status"], "refunded");
    let item = shop.client.send(Method::GET, "/items/mug-01", None, None).await?.expect(200)?;
    assert_eq!(item["available"], 10);
    shop.stop().await?;
    Ok(())
}
