//! Requests with an `Idempotency-Key`: a repeated one has no second effect, and gets the first answer.

use serde_json::{Value, json};
use shop_tests::json::{list, number, text, with};
use shop_tests::{Answer, Client, Customer, PASSWORD, Shop, address};
use tokio::task::JoinSet;

/// The result of a request with a key: the status and faults, whether it was replayed, and the answer.
pub(crate) async fn keyed(
    client: &Client,
    key: &str,
    line: &str,
    body: &Value,
) -> anyhow::Result<(String, bool, Answer)> {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    let answer = match body {
        Value::Null => client.send_with(line, &headers[1..], "").await?,
        body => client.send_with(line, &headers, serde_json::to_vec(body)?).await?,
    };
    let replayed = answer.header("idempotent-replay");
    assert!(matches!(replayed, None | Some("true")), "{line}: {replayed:?}");
    Ok((answer.told()?, replayed.is_some(), answer))
}

/// Sends a request twice. The second answer is the first one, if `kept`.
async fn twice(client: &Client, line: &str, body: &Value, told: &str, kept: bool) -> anyhow::Result<[Value; 2]> {
    let (first, first_replayed, one) = keyed(client, "twice", line, body).await?;
    let (second, second_replayed, other) = keyed(client, "twice", line, body).await?;
    assert_eq!((first.as_str(), second.as_str()), (told, told), "{line}");
    assert_eq!((first_replayed, second_replayed), (false, kept), "{line}");
    let mut bodies = [one.body, other.body];
    // Each request has its own id.
    bodies.iter_mut().filter_map(Value::as_object_mut).for_each(|body| drop(body.remove("instance")));
    assert!(!kept || bodies[0] == bodies[1], "{line}: {bodies:?}");
    Ok(bodies)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_writing_operation_can_be_asked_for_twice() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 10).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let eve = json!({ "email": "eve@example.com", "name": "Eve", "password": PASSWORD });
    twice(&shop.client, "POST /accounts", &eve, "201", true).await?;
    twice(&shop.client, "POST /sessions", &json!({ "email": eve["email"], "password": PASSWORD }), "201", true).await?;
    twice(&staff.client, "POST /items/mug-01/receipts", &json!({ "quantity": 5 }), "200", true).await?;
    assert_eq!(shop.available("mug-01").await?, 15);
    let [cart, _] = twice(&ada.client, "POST /carts", &Value::Null, "201", true).await?;
    let cart = text(&cart, "/id")?;
    let line = format!("PUT /carts/{cart}/lines/mug-01");
    twice(&ada.client, &line, &json!({ "quantity": 2 }), "200", true).await?;
    let [order, _] = twice(&ada.client, &format!("POST /carts/{cart}/checkout"), &ada.choice(), "201", true).await?;
    assert_eq!(number(&shop.client.ask("GET /items/mug-01").await?.body, "/available")?, 13);
    let [account, _] =
        twice(&ada.client, &format!("POST /accounts/{}/addresses", ada.id), &address(), "201", true).await?;
    let address = text(&account, "/id")?;
    let line = format!("DELETE /accounts/{}/addresses/{address}", ada.id);
    twice(&ada.client, &line, &Value::Null, "204", true).await?;
    let refund = json!({ "amount": { "amount": 100, "currency": "EUR" }, "reason": "scratched" });
    let payment = text(&order, "/payment/id")?;
    let [paid, _] = twice(&staff.client, &format!("POST /payments/{payment}/refunds"), &refund, "201", true).await?;
    assert_eq!(list(&paid, "/refunds")?.len(), 1);
    twice(&ada.client, &format!("POST /orders/{}/cancel", text(&order, "/id")?), &Value::Null, "200", true).await?;
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_kept_and_what_may_be_well_later_is_not() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    shop.staff().await?.sell("mug-01", 1250, 10).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_declined").await?;
    let cart = ada.fill_cart(&[("mug-01", 1)]).await?;
    let line = format!("POST /carts/{cart}/checkout");
    twice(&ada.client, &line, &ada.choice(), "402 declined", true).await?;
    twice(&ada.client, "PUT /carts/none/lines/mug-01", &json!({ "quantity": 1 }), "404", true).await?;
    let line = format!("PUT /carts/{cart}/lines/mug-01");
    twice(&ada.client, &line, &json!({ "quantity": 0 }), "422 /quantity", true).await?;
    let empty = ada.fill_cart(&[]).await?;
    twice(&ada.client, &format!("POST /carts/{empty}/checkout"), &ada.choice(), "422", true).await?;
    // The payment processor cannot be reached: the next attempt with the same key has its own effects.
    let out = with(&ada.choice(), "/paymentMethodId", ada.add_card("tok_error").await?);
    let other = ada.fill_cart(&[("mug-01", 1)]).await?;
    twice(&ada.client, &format!("POST /carts/{other}/checkout"), &out, "503", false).await?;
    // These are not answers of the component: it never ran.
    twice(&shop.client, &line, &json!({ "quantity": "many" }), "400 /quantity", false).await?;
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_one_request_of_one_caller_at_one_path() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 0).await?;
    staff.sell("tea-01", 499, 0).await?;
    let other = staff.at(&shop.client);
    let receipts = |sku: &str| format!("POST /items/{sku}/receipts");
    let five = json!({ "quantity": 5 });
    let check = async |client: &Client, line: &str, body: &Value, expected: (&str, bool)| {
        let (told, replayed, _) = keyed(client, "key", line, body).await?;
        assert_eq!((told.as_str(), replayed), expected, "{line} {body}");
        anyhow::Ok(())
    };
    check(&staff.client, &receipts("mug-01"), &five, ("200", false)).await?;
    check(&staff.client, &receipts("mug-01"), &five, ("200", true)).await?;
    check(&other.client, &receipts("mug-01"), &five, ("200", true)).await?;
    check(&staff.client, &receipts("mug-01"), &json!({ "quantity": 6 }), ("422", false)).await?;
    check(&staff.client, &receipts("tea-01"), &five, ("200", false)).await?;
    assert_eq!((shop.available("mug-01").await?, shop.available("tea-01").await?), (5, 5));
    // The same key of another caller is a different key.
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let eve = Customer::sign_up(&shop.client, "eve", "tok_ok").await?;
    let carts = [
        keyed(&ada.client, "key", "POST /carts", &Value::Null).await?,
        keyed(&eve.client, "key", "POST /carts", &Value::Null).await?,
    ];
    assert!(carts.iter().all(|(told, replayed, _)| told == "201" && !replayed));
    // Reads ignore the key and return the current state.
    let (told, replayed, _) = keyed(&shop.client, "key", "GET /items/mug-01", &Value::Null).await?;
    assert_eq!((told.as_str(), replayed), ("200", false));
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_with_a_key_buys_once() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 10).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_slow").await?;
    let cart = ada.fill_cart(&[("mug-01", 1)]).await?;
    let mut clicks = JoinSet::new();
    for _ in 0..8 {
        let (client, line, choice) = (ada.client.clone(), format!("POST /carts/{cart}/checkout"), ada.choice());
        clicks.spawn(async move { keyed(&client, "click", &line, &choice).await });
    }
    let answers = clicks.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    assert!(answers.iter().all(|(told, _, answer)| told == "201" && answer.body == answers[0].2.body));
    assert_eq!(answers.iter().filter(|(_, replayed, _)| !replayed).count(), 1);
    assert_eq!((staff.payments().await?.len(), shop.available("mug-01").await?), (1, 9));
    shop.stop().await?;
    Ok(())
}
