//! Carts of guests and customers: their lines, and how a guest's cart becomes a customer's.

use serde_json::{Value, json};
use shop_tests::json::{list, members, text, with, without};
use shop_tests::{Client, Customer, Shop, Staff, fill_cart, item, sign_in};

/// The lines of a cart, such as `mug-01:2 tea-01:1`.
fn lines(cart: &Value) -> anyhow::Result<String> {
    let line = |line: &Value| Ok(format!("{}:{}", text(line, "/sku")?, line["quantity"]));
    Ok(list(cart, "/lines")?.iter().map(line).collect::<anyhow::Result<Vec<_>>>()?.join(" "))
}

/// What is available of the item of each line.
fn available(cart: &Value) -> Vec<Value> {
    cart["lines"].as_array().into_iter().flatten().map(|line| line["available"].clone()).collect()
}

/// A shop with two items, and Ada.
async fn open() -> anyhow::Result<(Shop, Staff, Customer)> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 10).await?;
    staff.sell("tea-01", 499, 10).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    Ok((shop, staff, ada))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_holds_lines_at_the_prices_of_now() -> anyhow::Result<()> {
    let (shop, staff, ada) = open().await?;
    let cart = shop.client.ask("POST /carts").await?.expect(201)?;
    assert_eq!(members(&cart), "id status lines subtotal currency");
    assert_eq!((&cart["status"], &cart["lines"]), (&json!("open"), &json!([])));
    assert_eq!((&cart["subtotal"], &cart["currency"]), (&json!({ "amount": 0, "currency": "EUR" }), &json!("EUR")));
    let own = ada.client.ask("POST /carts").await?.expect(201)?;
    assert_eq!(own["accountId"], json!(ada.id));

    let id = text(&cart, "/id")?;
    staff.client.send("PUT /items/yen-01", &with(&item(100), "/price/currency", "JPY")).await?.expect(200)?;
    // The stock is not checked: there are ten mugs.
    let cases = [
        ("mug-01", json!({ "quantity": 1000 }), "200"),
        ("tea-01", json!({ "quantity": 1 }), "200"),
        ("mug-01", json!({ "quantity": 2 }), "200"),
        ("mug-01", json!({ "quantity": 0 }), "422 /quantity"),
        ("mug-01", json!({ "quantity": 1001 }), "422 /quantity"),
        ("mug-01", json!({ "quantity": -1 }), "400 /quantity"),
        ("mug-01", json!({ "quantity": 1.5 }), "400 /quantity"),
        ("mug-01", json!({}), "400 /quantity"),
        ("mug-01", json!({ "quantity": 1, "price": 1 }), "400 /price"),
        ("mug-02", json!({ "quantity": 1 }), "404"),
        ("a%20b", json!({ "quantity": 1 }), "404"),
        ("yen-01", json!({ "quantity": 1 }), "422"),
    ];
    for (sku, body, expected) in cases {
        let answer = shop.client.send(&format!("PUT /carts/{id}/lines/{sku}"), &body).await?;
        assert_eq!(answer.told()?, expected, "{sku} {body}");
    }
    staff.sell("mug-01", 1300, 0).await?;
    // Anybody who knows the id of a guest's cart may use it.
    let cart = ada.client.ask(&format!("GET /carts/{id}")).await?.expect(200)?;
    assert_eq!(lines(&cart)?, "mug-01:2 tea-01:1");
    let price = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
    let mugs = json!({
        "sku": "mug-01", "title": "A thing", "quantity": 2, "unitPrice": price(1300), "total": price(2600),
        "available": 10,
    });
    assert_eq!((&cart["lines"][0], &cart["subtotal"]), (&mugs, &price(3099)));
    for _ in 0..2 {
        let cart = shop.client.ask(&format!("DELETE /carts/{id}/lines/mug-01")).await?.expect(200)?;
        assert_eq!(lines(&cart)?, "tea-01:1");
    }
    shop.stop().await?;
    Ok(())
}

async fn claim(client: &Client, cart: &str) -> anyhow::Result<Value> {
    client.ask(&format!("POST /carts/{cart}/claim")).await?.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guests_cart_becomes_the_customers_or_merges_into_the_one_that_is_open() -> anyhow::Result<()> {
    let (shop, _staff, ada) = open().await?;
    let guests = fill_cart(&shop.client, &[("mug-01", 2)]).await?;
    assert_eq!(shop.client.ask(&format!("POST /carts/{guests}/claim")).await?.told()?, "401");
    let first = claim(&ada.client, &guests).await?;
    assert_eq!((&first["id"], &first["accountId"]), (&json!(guests), &json!(ada.id)));
    assert_eq!(claim(&ada.client, &guests).await?, first, "it is hers already");
    assert_eq!(shop.client.ask(&format!("GET /carts/{guests}")).await?.told()?, "401");

    let others = fill_cart(&shop.client, &[("tea-01", 1), ("mug-01", 999)]).await?;
    let merged = claim(&ada.client, &others).await?;
    assert_eq!((&merged["id"], lines(&merged)?.as_str()), (&json!(guests), "mug-01:1000 tea-01:1"));
    for line in [format!("GET /carts/{others}"), format!("POST /carts/{others}/claim")] {
        assert_eq!(ada.client.ask(&line).await?.told()?, "404", "the guest's cart has ended");
    }

    // The checkout of a guest's cart claims it.
    let guests = fill_cart(&shop.client, &[("tea-01", 3)]).await?;
    let order = ada.check_out(&guests).await?.expect(201)?;
    assert_eq!((&order["cartId"], &order["accountId"]), (&json!(guests), &json!(ada.id)));
    let line = format!("GET /carts/{guests}");
    assert_eq!(shop.client.ask(&line).await?.told()?, "401");
    assert_eq!(ada.client.ask(&line).await?.expect(200)?["accountId"], json!(ada.id));
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_that_is_checked_out_stays_as_it_is() -> anyhow::Result<()> {
    let (shop, staff, ada) = open().await?;
    let cart = ada.fill_cart(&[("mug-01", 2), ("tea-01", 1)]).await?;
    let order = ada.check_out(&cart).await?.expect(201)?;
    let line = format!("GET /carts/{cart}");
    let after = ada.client.ask(&line).await?.expect(200)?;
    assert_eq!(after["status"], "checked-out");
    let bought: Vec<Value> = list(&after, "/lines")?.iter().map(|line| without(line, "/available")).collect();
    assert_eq!((&json!(bought), &after["subtotal"]), (&order["lines"], &order["subtotal"]));
    assert_eq!(available(&after), [json!(8), json!(9)]);
    staff.sell("mug-01", 9999, 0).await?;
    let quantity = json!({ "quantity": 1 });
    for sku in ["mug-01", "tea-01", "mug-02"] {
        let put = ada.client.send(&format!("PUT /carts/{cart}/lines/{sku}"), &quantity).await?;
        assert_eq!(put.told()?, "409", "{sku}");
        assert_eq!(ada.client.ask(&format!("DELETE /carts/{cart}/lines/{sku}")).await?.told()?, "409", "{sku}");
    }
    assert_eq!(ada.check_out(&cart).await?.told()?, "409");
    assert_eq!(ada.client.ask(&line).await?.expect(200)?, after, "at the prices of its order");
    // It is no longer open, so that nothing merges into it.
    let guests = fill_cart(&shop.client, &[("tea-01", 1)]).await?;
    assert_eq!(claim(&ada.client, &guests).await?["id"], json!(guests));
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_finds_the_open_cart_that_was_touched_last_on_every_device() -> anyhow::Result<()> {
    let (shop, _staff, ada) = open().await?;
    let phone = sign_in(&shop.client, &ada.email).await?;
    let current = async |client: &Client| client.ask("GET /carts/current").await;
    let id_of = async |client: &Client| text(&current(client).await?.expect(200)?, "/id");
    assert_eq!(current(&shop.client).await?.told()?, "401");
    assert_eq!(current(&ada.client).await?.told()?, "404");
    assert_eq!(current(&shop.client.with_token("no token")).await?.told()?, "401");

    let (first, second) = (ada.fill_cart(&[("mug-01", 2)]).await?, ada.fill_cart(&[]).await?);
    assert_eq!(id_of(&phone).await?, second, "a new cart is touched");
    let quantity = json!({ "quantity": 3 });
    phone.send(&format!("PUT /carts/{first}/lines/mug-01"), &quantity).await?.expect(200)?;
    let found = current(&ada.client).await?.expect(200)?;
    assert_eq!((&found["id"], lines(&found)?.as_str()), (&json!(first), "mug-01:3"));
    phone.ask(&format!("DELETE /carts/{second}/lines/mug-01")).await?.expect(200)?;
    assert_eq!(id_of(&ada.client).await?, second);
    // A sign-out ends a session, and no cart.
    ada.client.ask("DELETE /sessions/current").await?.expect(204)?;
    assert_eq!(current(&ada.client).await?.told()?, "401");
    let guests = fill_cart(&shop.client, &[("tea-01", 1)]).await?;
    let claimed = claim(&phone, &guests).await?;
    assert_eq!(
        (&claimed["id"], lines(&claimed)?.as_str()),
        (&json!(second), "tea-01:1"),
        "it goes into the current one"
    );

    let phone = Customer { client: phone, ..ada };
    phone.check_out(&second).await?.expect(201)?;
    assert_eq!(id_of(&phone.client).await?, first, "one that is checked out is not open");
    phone.check_out(&first).await?.expect(201)?;
    assert_eq!(current(&phone.client).await?.told()?, "404");
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_says_how_many_pieces_can_be_bought() -> anyhow::Result<()> {
    let (shop, staff, ada) = open().await?;
    let cart = fill_cart(&shop.client, &[("mug-01", 9), ("tea-01", 1)]).await?;
    let line = format!("GET /carts/{cart}");
    assert_eq!(available(&shop.client.ask(&line).await?.expect(200)?), [json!(10), json!(10)]);
    // What an order has reserved is on hand, and not available.
    let hold = json!({ "orderId": "ord_1", "lines": [{ "sku": "mug-01", "quantity": 4 }] });
    shop.operate("inventory", "reserve", &hold).await?.expect(200)?;
    ada.buy(&[("mug-01", 1), ("tea-01", 10)]).await?;
    assert_eq!(available(&shop.client.ask(&line).await?.expect(200)?), [json!(5), json!(0)]);
    staff.sell("tea-01", 499, 7).await?;
    let changed = shop.client.send(&format!("PUT /carts/{cart}/lines/tea-01"), &json!({ "quantity": 2 })).await?;
    assert_eq!(available(&changed.expect(200)?), [json!(5), json!(7)]);
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guests_cart_goes_after_the_days_that_the_operator_sets_and_a_customers_stays() -> anyhow::Result<()> {
    let shop = Shop::start_with(|manifest| {
        let cart = manifest.services.iter_mut().find(|(name, _)| name.as_str() == "cart");
        let (_, cart) = cart.expect("the shop has carts");
        cart.environment.insert("GUEST_CART_DAYS".to_owned(), "0".to_owned());
    });
    let shop = shop.await?;
    shop.staff().await?.sell("mug-01", 1250, 10).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let (own, guests) = (ada.fill_cart(&[("mug-01", 1)]).await?, fill_cart(&shop.client, &[("mug-01", 1)]).await?);
    // The schedule runs each minute; the operator does not wait for it.
    shop.operate("cart", "forget-expired", &json!({})).await?.expect(204)?;
    assert_eq!(shop.client.ask(&format!("GET /carts/{guests}")).await?.told()?, "404");
    ada.client.ask(&format!("GET /carts/{own}")).await?.expect(200)?;
    shop.stop().await?;
    Ok(())
}
