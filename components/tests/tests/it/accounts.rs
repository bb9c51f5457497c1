//! Accounts: opening and changing them, addresses, payment methods, and ownership.

use serde_json::{Value, json};
use shop_tests::json::{list, members, text, time, with, without};
use shop_tests::{Client, Customer, PASSWORD, Shop, address, card};
use tokio::task::JoinSet;

/// Sends each body and compares the answer.
async fn check(client: &Client, line: &str, cases: &[(Value, &str)]) -> anyhow::Result<()> {
    for (body, expected) in cases {
        assert_eq!(client.send(line, body).await?.told()?, *expected, "{line} {body}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_opened_once_for_an_email_address_and_changed_by_its_owner() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let valid = json!({ "email": "Ben@Example.com", "name": "Ben", "password": PASSWORD });
    let account = shop.client.send("POST /accounts", &valid).await?.expect(201)?;
    assert_eq!(members(&account), "id email name role addresses paymentMethods orderCount createdAt");
    assert_eq!((&account["email"], &account["role"]), (&json!("Ben@Example.com"), &json!("customer")));
    assert_eq!((&account["addresses"], &account["orderCount"]), (&json!([]), &json!(0)));
    time(&account, "/createdAt")?;
    let long = "x".repeat(257);
    let cases = [
        (with(&valid, "/email", "bEN@eXAMPLE.COM"), "409"),
        (with(&valid, "/email", "ben"), "422 /email"),
        (with(&valid, "/email", ""), "422 /email"),
        (with(&valid, "/email", 5), "400 /email"),
        (with(&valid, "/name", " "), "422 /name"),
        (with(&valid, "/name", long.as_str()), "422 /name"),
        (with(&valid, "/password", "7 chars"), "422 /password"),
        (with(&valid, "/password", long.as_str()), "422 /password"),
        (json!({ "email": "", "name": "", "password": "" }), "422 /email /name /password"),
        (without(&valid, "/email"), "400 /email"),
        (with(&valid, "/role", "staff"), "400 /role"),
        (json!([]), "400 "),
        (json!(null), "400 "),
    ];
    check(&shop.client, "POST /accounts", &cases).await?;

    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let line = format!("PATCH /accounts/{}", ada.id);
    let cases = [
        (json!({}), "200"),
        (json!({ "name": "Ada Lovelace" }), "200"),
        (json!({ "email": "ADA@example.com" }), "200"),
        (json!({ "email": "ben@example.com" }), "409"),
        (json!({ "email": "nobody" }), "422 /email"),
        (json!({ "name": "", "password": "short" }), "422 /name /password"),
        (json!({ "nmae": "Ada" }), "400 /nmae"),
        (json!({ "role": "staff" }), "400 /role"),
    ];
    check(&ada.client, &line, &cases).await?;
    let account = ada.client.ask(&format!("GET /accounts/{}", ada.id)).await?.expect(200)?;
    assert_eq!((&account["name"], &account["email"]), (&json!("Ada Lovelace"), &json!("ADA@example.com")));
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_addresses_and_payment_methods_but_no_card_numbers() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let (account, valid) = (format!("/accounts/{}", ada.id), address());
    let long = "x".repeat(300);
    let cases = [
        (with(&with(&valid, "/line2", "2nd floor"), "/region", "Hamburg"), "201"),
        (with(&valid, "/recipient", ""), "422 /recipient"),
        (with(&valid, "/line1", long.as_str()), "422 /line1"),
        (with(&valid, "/line2", "two\nlines"), "422 /line2"),
        (with(&valid, "/country", "XX"), "422 /country"),
        (with(&valid, "/country", "Germany"), "422 /country"),
        (with(&with(&valid, "/city", ""), "/postalCode", ""), "422 /city /postalCode"),
        (without(&valid, "/postalCode"), "400 /postalCode"),
        (with(&valid, "/postal_code", "1"), "400 /postal_code"),
    ];
    check(&ada.client, &format!("POST {account}/addresses"), &cases).await?;
    let valid = card("tok_ok");
    let cases = [
        (with(&valid, "/token", "4111111111111111"), "422 /token"),
        (with(&valid, "/token", "4111 1111 1111 1111"), "422 /token"),
        (with(&valid, "/token", ""), "422 /token"),
        (with(&valid, "/brand", "4111-1111-1111-1111"), "422 /brand"),
        (with(&valid, "/last4", "424"), "422 /last4"),
        (with(&valid, "/expiryMonth", 13), "422 /expiryMonth"),
        (with(&valid, "/expiryMonth", 256), "400 /expiryMonth"),
        (with(&valid, "/expiryYear", 2020), "422 /expiryYear"),
        (with(&valid, "/number", "4111111111111111"), "400 /number"),
        (without(&valid, "/token"), "400 /token"),
    ];
    check(&ada.client, &format!("POST {account}/payment-methods"), &cases).await?;
    let line = format!("POST {account}/payment-methods");
    let refused = ada.client.send(&line, &with(&valid, "/token", "4111111111111111")).await?;
    assert!(!refused.body.to_string().contains("411111"), "a card number is not told back: {}", refused.body);

    let account = ada.client.ask(&format!("GET {account}")).await?.expect(200)?;
    let [address, address_with_all] = list(&account, "/addresses")?.as_slice() else { panic!("{account}") };
    assert_eq!(members(address), "id recipient line1 city postalCode country");
    assert_eq!(members(address_with_all), "id recipient line1 line2 city region postalCode country");
    let [method] = list(&account, "/paymentMethods")?.as_slice() else { panic!("{account}") };
    assert_eq!(members(method), "id brand last4 expiryMonth expiryYear");

    for (kind, id) in [("addresses", &ada.address), ("payment-methods", &ada.card)] {
        let line = format!("DELETE /accounts/{}/{kind}/{id}", ada.id);
        let answer = ada.client.ask(&line).await?;
        assert_eq!((answer.told()?.as_str(), &answer.body), ("204", &Value::Null), "{line}");
        assert_eq!(ada.client.ask(&line).await?.told()?, "404", "{line} again");
    }
    let account = ada.client.ask(&format!("GET /accounts/{}", ada.id)).await?.expect(200)?;
    assert_eq!(list(&account, "/addresses")?.len(), 1);
    assert_eq!(text(&account, "/addresses/0/line2")?, "2nd floor");
    assert_eq!(account["paymentMethods"], json!([]));
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_is_told_so_but_not_what_others_have() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 10).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let eve = Customer::sign_up(&shop.client, "eve", "tok_ok").await?;
    let cart = ada.fill_cart(&[("mug-01", 1)]).await?;
    let order = ada.buy(&[("mug-01", 1)]).await?;
    let Customer { id, address: address_id, card: card_id, .. } = &ada;
    let payment = text(&order, "/payment/id")?;
    let shipment = text(&order, "/shipment/id")?;
    let order = text(&order, "/id")?;
    let (none, quantity) = (Value::Null, json!({ "quantity": 1 }));
    let place = json!({ "country": "DE", "postalCode": "20457" });
    let refund = json!({ "amount": { "amount": 1, "currency": "EUR" }, "reason": "" });
    // The callers: nobody, another customer, staff. Other tests check the owner.
    let cases = [
        ("DELETE /sessions/current".to_owned(), &none, "401 - -"),
        (format!("GET /accounts/{id}"), &none, "401 404 200"),
        ("GET /accounts/acc_nobody".to_owned(), &none, "401 404 404"),
        (format!("PATCH /accounts/{id}"), &json!({ "name": "Eve" }), "401 404 200"),
        (format!("POST /accounts/{id}/addresses"), &address(), "401 404 403"),
        (format!("DELETE /accounts/{id}/addresses/{address_id}"), &none, "401 404 403"),
        (format!("POST /accounts/{id}/payment-methods"), &card("tok_ok"), "401 404 403"),
        (format!("DELETE /accounts/{id}/payment-methods/{card_id}"), &none, "401 404 403"),
        ("PUT /items/mug-02".to_owned(), &shop_tests::item(1), "401 403 200"),
        ("POST /items/mug-01/receipts".to_owned(), &quantity, "401 403 200"),
        (format!("GET /carts/{cart}"), &none, "401 404 404"),
        ("GET /carts/cart_nobody".to_owned(), &none, "404 404 404"),
        ("GET /carts/current".to_owned(), &none, "401 404 403"),
        (format!("POST /carts/{cart}/quotes"), &place, "401 404 404"),
        (format!("PUT /carts/{cart}/lines/mug-01"), &quantity, "401 404 404"),
        (format!("DELETE /carts/{cart}/lines/mug-01"), &none, "401 404 404"),
        (format!("POST /carts/{cart}/claim"), &none, "401 404 403"),
        (format!("POST /carts/{cart}/checkout"), &eve.choice(), "401 404 403"),
        ("GET /orders".to_owned(), &none, "401 200 200"),
        (format!("GET /orders/{order}"), &none, "401 404 200"),
        ("GET /orders/ord_nobody".to_owned(), &none, "401 404 404"),
        (format!("POST /orders/{order}/cancel"), &none, "401 404 -"),
        ("GET /payments".to_owned(), &none, "401 403 200"),
        (format!("GET /payments/{payment}"), &none, "401 404 200"),
        ("GET /payments/pay_nobody".to_owned(), &none, "401 404 404"),
        (format!("POST /payments/{payment}/refunds"), &refund, "401 403 -"),
        (format!("GET /shipments/{shipment}"), &none, "401 404 200"),
        ("GET /shipments/shp_nobody".to_owned(), &none, "401 404 404"),
        (format!("POST /shipments/{shipment}/events"), &json!({ "status": "packed" }), "401 403 -"),
    ];
    for (line, body, expected) in cases {
        for (client, expected) in [&shop.client, &eve.client, &staff.client].into_iter().zip(expected.split(' ')) {
            if expected != "-" {
                let answer = if body.is_null() { client.ask(&line).await? } else { client.send(&line, body).await? };
                assert_eq!(answer.told()?, expected, "{line}: {}", answer.body);
            }
        }
    }
    // A missing thing and another customer's thing give the same answer.
    let other = eve.client.ask(&format!("GET /orders/{order}")).await?.body;
    let nobodys = eve.client.ask("GET /orders/ord_nobody").await?.body;
    assert_eq!(without(&other, "/instance"), without(&nobodys, "/instance"));
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_opens_and_tries_few_accounts_a_minute() -> anyhow::Result<()> {
    let shop = Shop::start_as_delivered().await?;
    // At once, so that a slow machine does not take a minute for them. How many passwords it can check then is its own matter.
    let refused = async |line: &'static str, body: &dyn Fn(usize) -> Value, success: u16| {
        let mut asked = JoinSet::new();
        for number in 0..12 {
            let (client, body) = (shop.client.clone(), body(number));
            asked.spawn(async move { client.send(line, &body).await });
        }
        let mut refused = 0;
        while let Some(answer) = asked.join_next().await {
            let answer = answer??;
            let status = answer.status.as_u16();
            assert!([success, 429, 503, 504].contains(&status), "{line}: {status} {}", answer.body);
            refused += usize::from(status == 429);
        }
        anyhow::Ok(refused)
    };
    let account =
        |number: usize| json!({ "email": format!("ann-{number}@example.com"), "name": "Ann", "password": PASSWORD });
    assert_eq!(refused("POST /accounts", &account, 201).await?, 2);
    let credentials = |number: usize| json!({ "email": format!("nobody-{number}@example.com"), "password": PASSWORD });
    assert_eq!(refused("POST /sessions", &credentials, 401).await?, 2);
    // Whoever only looks is not bounded by it.
    assert_eq!(shop.client.ask("GET /items").await?.status.as_u16(), 200);
    Ok(())
}
