//! Checkouts that fail: earlier steps are undone, the cart is unchanged, and the answer contains the reason.

use serde_json::{Value, json};
use shop_tests::json::{list, members, number, text, time, with, without};
use shop_tests::{Customer, Shop, Staff, address, fill_cart};

/// Everything that a checkout could have changed.
#[derive(Debug, PartialEq)]
struct Traces {
    cart: Value,
    available: Vec<i64>,
    orders: Value,
}

impl Traces {
    async fn of(shop: &Shop, customer: &Customer, cart: &str) -> anyhow::Result<Self> {
        let cart = customer.client.ask(&format!("GET /carts/{cart}")).await?.expect(200)?;
        let mut available = Vec::new();
        for line in list(&cart, "/lines")? {
            available.push(shop.available(&text(line, "/sku")?).await?);
        }
        Ok(Self { cart, available, orders: customer.client.ask("GET /orders").await?.expect(200)? })
    }
}

/// The payments after the first `before` ones: status and decline code.
async fn new_payments(staff: &Staff, before: usize) -> anyhow::Result<String> {
    let payments = staff.payments().await?;
    let new = payments.len().checked_sub(before).expect("payments stay on record");
    let told = |payment: &Value| {
        let code = payment["declineCode"].as_str().map(|code| format!(":{code}")).unwrap_or_default();
        Ok(text(payment, "/status")? + &code)
    };
    Ok(payments.iter().take(new).map(told).collect::<anyhow::Result<Vec<_>>>()?.join(" "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_that_fails_leaves_everything_as_it_was() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 10).await?;
    staff.sell("tea-01", 499, 2).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let eve = Customer::sign_up(&shop.client, "eve", "tok_ok").await?;
    let good = ada.choice();
    let paid_with = async |token| anyhow::Ok(with(&good, "/paymentMethodId", ada.add_card(token).await?));
    let cases = [
        // The request, the client's answer, and the recorded payment.
        (paid_with("tok_declined").await?, "402 declined", "declined:declined"),
        (paid_with("tok_insufficient_funds").await?, "402 insufficient_funds", "declined:insufficient_funds"),
        (paid_with("tok_of_another_processor").await?, "402 invalid_token", "declined:invalid_token"),
        (paid_with("tok_error").await?, "503", "failed"),
        (with(&good, "/addressId", "adr_nobody"), "422 /addressId", ""),
        (with(&good, "/addressId", eve.address.as_str()), "422 /addressId", ""),
        (with(&good, "/addressId", ""), "422 /addressId", ""),
        (with(&good, "/paymentMethodId", "pm_nobody"), "422 /paymentMethodId", ""),
        (with(&good, "/paymentMethodId", eve.card.as_str()), "422 /paymentMethodId", ""),
        (with(&good, "/shippingOption", "teleport"), "422 /shippingOption", ""),
        (without(&good, "/shippingOption"), "400 /shippingOption", ""),
        (with(&good, "/cartId", "cart"), "400 /cartId", ""),
        (json!({}), "400 /addressId", ""),
    ];
    let cart = ada.fill_cart(&[("mug-01", 3), ("tea-01", 1)]).await?;
    let before = Traces::of(&shop, &ada, &cart).await?;
    for (request, told, on_record) in cases {
        let payments = staff.payments().await?.len();
        let answer = ada.client.send(&format!("POST /carts/{cart}/checkout"), &request).await?;
        assert_eq!(answer.told()?, told, "{request}: {}", answer.body);
        assert_eq!(new_payments(&staff, payments).await?, on_record, "{request}");
        assert_eq!(Traces::of(&shop, &ada, &cart).await?, before, "{request}");
    }
    // Another customer's cart, or a missing one, is not found; without a caller it cannot be read.
    for (client, expected) in [(&eve.client, "404"), (&staff.client, "403"), (&shop.client, "401")] {
        assert_eq!(client.send(&format!("POST /carts/{cart}/checkout"), &good).await?.told()?, expected);
    }
    assert_eq!(ada.check_out("cart_nobody").await?.told()?, "404");
    assert_eq!(Traces::of(&shop, &ada, &cart).await?, before);
    let payments = staff.payments().await?.len();
    let order = ada.check_out(&cart).await?.expect(201)?;
    assert_eq!(new_payments(&staff, payments).await?, "captured");
    assert_eq!(order["subtotal"]["amount"], 3 * 1250 + 499, "after all that it can be bought");
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_of_stock_or_not_there_is_not_sold() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 10).await?;
    staff.sell("tea-01", 499, 2).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let empty = ada.fill_cart(&[]).await?;
    let one_line_short = ada.fill_cart(&[("mug-01", 1), ("tea-01", 3)]).await?;
    for (cart, expected) in [(&empty, "422"), (&one_line_short, "409")] {
        let before = Traces::of(&shop, &ada, cart).await?;
        assert_eq!(ada.check_out(cart).await?.told()?, expected);
        assert_eq!(Traces::of(&shop, &ada, cart).await?, before, "all lines are held or none");
    }
    assert_eq!(staff.payments().await?, Vec::<Value>::new(), "nobody was charged");
    let refused = ada.check_out(&one_line_short).await?;
    assert!(text(&refused.body, "/detail")?.contains("tea-01"), "it says what is short: {}", refused.body);
    // When there is enough stock, the same cart is bought.
    staff.sell("tea-01", 499, 1).await?;
    ada.check_out(&one_line_short).await?.expect(201)?;
    assert_eq!((shop.available("mug-01").await?, shop.available("tea-01").await?), (9, 0));
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_says_what_was_bought_for_how_much() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 10).await?;
    staff.sell("tea-01", 0, 10).await?;
    // The processor is slow, and the customer lives abroad.
    let ada = Customer::sign_up(&shop.client, "ada", "tok_slow").await?;
    let abroad = with(&with(&address(), "/country", "FR"), "/postalCode", "75001");
    let request = with(&ada.choice(), "/addressId", ada.add_address(&abroad).await?);
    let request = with(&request, "/shippingOption", "express");
    let cart = fill_cart(&ada.client, &[("mug-01", 3), ("tea-01", 2)]).await?;
    let order = ada.client.send(&format!("POST /carts/{cart}/checkout"), &request).await?.expect(201)?;

    let parcel = json!({ "country": "FR", "postalCode": "75001", "weightGrams": 5 * 500 });
    let quotes = shop.client.send("POST /shipping/quotes", &parcel).await?.expect(200)?;
    let express = list(&quotes, "/options")?.iter().find(|option| option["option"] == "express").expect("is offered");
    let price = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
    let line = |sku: &str, quantity: i64, unit: i64| {
        json!({
            "sku": sku, "title": "A thing", "quantity": quantity, "unitPrice": price(unit), "total": price(quantity * unit),
        })
    };
    let expected = json!({
        "id": order["id"], "cartId": cart, "accountId": ada.id,
        "lines": [line("mug-01", 3, 1250), line("tea-01", 2, 0)],
        "subtotal": price(3750), "shipping": express["price"],
        "total": price(3750 + number(express, "/price/amount")?),
        "payment": { "id": order["payment"]["id"], "status": "captured" },
        "shipment": {
            "id": order["shipment"]["id"], "status": "scheduled", "trackingNumber": order["shipment"]["trackingNumber"],
        },
        "status": "placed", "placedAt": order["placedAt"],
    });
    assert_eq!(order, expected);
    time(&order, "/placedAt")?;
    shop.stop().await?;
    Ok(())
}

/// The total with each way of shipping.
fn totals(quotes: &Value) -> anyhow::Result<Vec<(String, i64)>> {
    let option = |option: &Value| Ok((text(option, "/option")?, number(option, "/total/amount")?));
    list(quotes, "/options")?.iter().map(option).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_says_what_the_checkout_of_this_cart_charges() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 100).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let place = json!({ "country": "DE", "postalCode": "20457" });
    // A parcel of half a kilogram, and one of 20: the price of shipping follows the weight.
    for quantity in [1, 40] {
        let cart = ada.fill_cart(&[("mug-01", quantity)]).await?;
        let line = format!("POST /carts/{cart}/quotes");
        let quotes = ada.client.send(&line, &place).await?.expect(200)?;
        assert_eq!(members(&quotes), "subtotal options");
        assert_eq!(members(&quotes["options"][0]), "option carrier price estimatedDays total");
        let parcel = with(&place, "/weightGrams", 500 * quantity);
        let of_shipping = shop.client.send("POST /shipping/quotes", &parcel).await?.expect(200)?;
        let without_total = list(&quotes, "/options")?.iter().map(|option| without(option, "/total"));
        assert_eq!(json!(without_total.collect::<Vec<_>>()), of_shipping["options"]);

        let (option, total) = totals(&quotes)?.pop().expect("an option");
        let expected = json!({ "amount": total, "currency": "EUR" });
        let request = with(&with(&ada.choice(), "/shippingOption", option), "/expectedTotal", expected.clone());
        let order = ada.client.send(&format!("POST /carts/{cart}/checkout"), &request).await?.expect(201)?;
        assert_eq!((&order["total"], &order["subtotal"]), (&expected, &quotes["subtotal"]));
        let payment = format!("GET /payments/{}", text(&order, "/payment/id")?);
        assert_eq!(ada.client.ask(&payment).await?.expect(200)?["amount"], expected);
        assert_eq!(ada.client.send(&line, &place).await?.told()?, "409", "it is checked out");
    }
    let guests = fill_cart(&shop.client, &[("mug-01", 1)]).await?;
    let empty = fill_cart(&shop.client, &[]).await?;
    let cases = [
        (guests.as_str(), place.clone(), "200"),
        (&guests, with(&place, "/country", "XX"), "422 /country"),
        (&guests, with(&with(&place, "/country", "de"), "/postalCode", ""), "422 /country /postalCode"),
        (&guests, without(&place, "/country"), "400 /country"),
        (&guests, with(&place, "/weightGrams", 1), "400 /weightGrams"),
        (&empty, place.clone(), "422"),
        ("cart_nobody", place.clone(), "404"),
    ];
    for (cart, body, expected) in cases {
        let answer = shop.client.send(&format!("POST /carts/{cart}/quotes"), &body).await?;
        assert_eq!(answer.told()?, expected, "{cart} {body}: {}", answer.body);
    }
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_that_the_customer_did_not_agree_to_is_not_charged() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 10).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let cart = ada.fill_cart(&[("mug-01", 2)]).await?;
    let place = json!({ "country": "DE", "postalCode": "20457" });
    let quotes = ada.client.send(&format!("POST /carts/{cart}/quotes"), &place).await?.expect(200)?;
    let quoted = totals(&quotes)?.into_iter().find(|(option, _)| option == "standard").expect("an option").1;
    let euros = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
    let checkout = async |expected: Value| {
        let request = with(&ada.choice(), "/expectedTotal", expected);
        ada.client.send(&format!("POST /carts/{cart}/checkout"), &request).await
    };
    // The price rises between the quote and the checkout.
    staff.sell("mug-01", 1300, 0).await?;
    let before = Traces::of(&shop, &ada, &cart).await?;
    let right = euros(quoted + 100);
    let dollars = json!({ "amount": quoted + 100, "currency": "USD" });
    for expected in [euros(quoted), euros(0), euros(-1), dollars] {
        let answer = checkout(expected.clone()).await?;
        assert_eq!((answer.told()?.as_str(), &answer.body["total"]), ("409", &right), "{expected}");
        assert_eq!(Traces::of(&shop, &ada, &cart).await?, before, "{expected}");
    }
    for (expected, told) in [
        (json!({ "amount": 1, "currency": "EUX" }), "422 /expectedTotal/currency"),
        (json!({ "amount": 1.5, "currency": "EUR" }), "400 /expectedTotal/amount"),
        (json!({ "amount": 1 }), "400 /expectedTotal/currency"),
        (json!(1), "400 /expectedTotal"),
    ] {
        assert_eq!(checkout(expected.clone()).await?.told()?, told, "{expected}");
    }
    assert_eq!(staff.payments().await?, Vec::<Value>::new(), "nothing was charged");
    let order = checkout(right.clone()).await?.expect(201)?;
    assert_eq!(order["total"], right);
    shop.stop().await?;
    Ok(())
}
