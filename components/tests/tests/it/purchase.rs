//! One customer's complete purchase.

use serde_json::json;
use shop_tests::json::{number, text};
use shop_tests::{Customer, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_buys_looks_and_cancels() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 10).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let cart = ada.fill_cart(&[("mug-01", 2)]).await?;
    let order = ada.check_out(&cart).await?.expect(201)?;
    assert_eq!(order["subtotal"], json!({ "amount": 2500, "currency": "EUR" }));
    assert_eq!(order["status"], "placed");
    assert_eq!(order["payment"]["status"], "captured");
    assert_eq!(order["shipment"]["status"], "scheduled");
    assert_eq!(order["lines"][0]["total"]["amount"], 2500);
    let total = number(&order, "/total/amount")?;
    assert_eq!(total, number(&order, "/shipping/amount")? + 2500);

    assert_eq!(shop.available("mug-01").await?, 8);
    let id = text(&order, "/id")?;
    assert_eq!(ada.client.ask(&format!("GET /orders/{id}")).await?.expect(200)?, order);
    let payment = format!("GET /payments/{}", text(&order, "/payment/id")?);
    assert_eq!(number(&ada.client.ask(&payment).await?.expect(200)?, "/amount/amount")?, total);
    let shipment = format!("GET /shipments/{}", text(&order, "/shipment/id")?);
    assert_eq!(ada.client.ask(&shipment).await?.expect(200)?["orderId"], order["id"]);
    assert_eq!(ada.check_out(&cart).await?.told()?, "409");

    let cancelled = ada.client.ask(&format!("POST /orders/{id}/cancel")).await?.expect(200)?;
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["payment"]["status"], "refunded");
    assert_eq!(shop.available("mug-01").await?, 10);
    shop.stop().await?;
    Ok(())
}
