//! Payments: their list, and refunds.

use serde_json::{Value, json};
use shop_tests::json::{list, members, number, text, time, with, without};
use shop_tests::{Customer, Shop, pages};

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_refunded_in_parts_or_whole_but_not_by_more_than_was_captured() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 100).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let order = ada.buy(&[("mug-01", 1)]).await?;
    let (id, total) = (text(&order, "/payment/id")?, number(&order, "/total/amount")?);
    let payment = ada.client.ask(&format!("GET /payments/{id}")).await?.expect(200)?;
    let expected = json!({
        "id": id, "orderId": order["id"], "amount": order["total"], "status": "captured",
        "method": { "brand": "visa", "last4": "4242" }, "refunds": [],
    });
    assert_eq!(payment, expected);

    let refund = |amount: i64| json!({ "amount": { "amount": amount, "currency": "EUR" }, "reason": "broken" });
    let line = format!("POST /payments/{id}/refunds");
    let cases = [
        (refund(0), "422 /amount/amount", "captured"),
        (refund(-1), "422 /amount/amount", "captured"),
        (with(&refund(1), "/amount/currency", "USD"), "422 /amount/currency", "captured"),
        (with(&refund(1), "/amount/currency", "X"), "422 /amount/currency", "captured"),
        (with(&refund(1), "/reason", "x".repeat(501)), "422 /reason", "captured"),
        (without(&refund(1), "/reason"), "400 /reason", "captured"),
        (with(&refund(1), "/amount", 1), "400 /amount", "captured"),
        (refund(total + 1), "409", "captured"),
        (refund(i64::MAX), "409", "captured"),
        (refund(500), "201", "partially-refunded"),
        (refund(total - 499), "409", "partially-refunded"),
        (refund(500), "201", "partially-refunded"),
        (refund(total - 1000), "201", "refunded"),
        (refund(1), "409", "refunded"),
    ];
    for (body, told, status) in cases {
        let answer = staff.client.send(&line, &body).await?;
        assert_eq!(answer.told()?, told, "{body}: {}", answer.body);
        let payment = staff.client.ask(&format!("GET /payments/{id}")).await?.expect(200)?;
        assert_eq!(payment["status"], status, "{body}");
        if told == "201" {
            assert_eq!(answer.body, payment, "{body}");
        }
    }
    let payment = ada.client.ask(&format!("GET /payments/{id}")).await?.expect(200)?;
    let refunds = list(&payment, "/refunds")?;
    assert_eq!(refunds.iter().filter_map(|refund| refund["amount"]["amount"].as_i64()).sum::<i64>(), total);
    for refund in refunds {
        assert_eq!(members(refund), "id amount reason createdAt");
        time(refund, "/createdAt")?;
    }
    assert_eq!(staff.client.send("POST /payments/pay_nobody/refunds", &refund(1)).await?.told()?, "404");
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_are_listed_newest_first_or_by_order_declined_ones_too() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 100).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let bad = ada.add_card("tok_declined").await?;
    let mut captured = Vec::new();
    for _ in 0..3 {
        let cart = ada.fill_cart(&[("mug-01", 1)]).await?;
        let choice = with(&ada.choice(), "/paymentMethodId", bad.as_str());
        let declined = ada.client.send(&format!("POST /carts/{cart}/checkout"), &choice).await?;
        assert_eq!(declined.told()?, "402 declined");
        captured.push(ada.check_out(&cart).await?.expect(201)?);
    }
    for path in ["/payments?", "/payments?limit=4", "/payments?limit=1"] {
        let payments: Vec<Value> = pages::all(&staff.client, path).await?.into_iter().flatten().collect();
        let statuses: Vec<_> = payments.iter().map(|payment| payment["status"].as_str().unwrap_or("")).collect();
        assert_eq!(statuses.join(" "), "captured declined captured declined captured declined", "{path}");
        let of_orders: Vec<_> = payments.iter().step_by(2).map(|payment| &payment["orderId"]).collect();
        assert_eq!(of_orders, captured.iter().rev().map(|order| &order["id"]).collect::<Vec<_>>(), "{path}");
        let declined = &payments[1];
        assert_eq!(members(declined), "id orderId amount status method declineCode refunds");
        // The payment belongs to the customer, although no order followed; there is nothing to refund.
        let id = text(declined, "/id")?;
        assert_eq!(&ada.client.ask(&format!("GET /payments/{id}")).await?.expect(200)?, declined);
        let refund = json!({ "amount": { "amount": 1, "currency": "EUR" }, "reason": "" });
        assert_eq!(staff.client.send(&format!("POST /payments/{id}/refunds"), &refund).await?.told()?, "409");
    }
    for order in &captured {
        let page = format!("GET /payments?orderId={}", text(order, "/id")?);
        let page = staff.client.ask(&page).await?.expect(200)?;
        let [payment] = list(&page, "/items")?.as_slice() else { panic!("{page}") };
        assert_eq!(payment["id"], order["payment"]["id"]);
    }
    for (query, expected) in [
        ("orderId=ord_nobody", "200"),
        ("orderId=", "200"),
        ("order-id=ord_nobody", "400 ?order-id"),
        ("orderId=a&orderId=b", "400 ?orderId"),
        ("limit=101", "400 ?limit"),
    ] {
        assert_eq!(staff.client.ask(&format!("GET /payments?{query}")).await?.told()?, expected, "{query}");
    }
    shop.stop().await?;
    Ok(())
}
