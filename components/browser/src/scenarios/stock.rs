//! Goods that run out and prices that change while somebody shops.

use serde_json::json;
use shop_tests::Customer;
use shop_tests::json::{number, text, with};

use crate::browser::Device;
use crate::goods;
use crate::scenarios::{Stage, euros, newest_charge};

pub(crate) async fn sold_out(stage: &Stage<'_>) -> anyhow::Result<()> {
    goods::sell(stage.staff, |sku, _| match sku {
        "globe-small" => 0,
        "tent-two" => 3,
        _ => 10,
    })
    .await?;
    let (_ada, browser) = stage.customer(Device::Desktop).await?;
    browser.go("").await?;
    browser.shows("a[href='#/items/globe-small'] .badge", "Sold out").await?;
    browser.shows("a[href='#/items/tent-two'] .badge", "Only 3 left").await?;
    stage.check(&browser, "a list with something that is sold out").await?;
    browser.go("#/items/globe-small").await?;
    browser.shows(".stock", "Sold out").await?;
    let cannot =
        "return ![...document.querySelectorAll('main button')].some((one) => one.textContent === 'Add to cart')";
    anyhow::ensure!(browser.evaluate(cannot).await? == true, "it can be put into the cart");

    browser.go("#/items/tent-two").await?;
    browser.click("One more").await?;
    browser.click("Add to cart").await?;
    browser.shows("#pieces", "2").await?;
    browser.go("#/checkout").await?;
    browser.sees("Pay €").await?;
    // Two of three are bought by another customer before this one pays.
    let eve = Customer::sign_up(&stage.shop.client, "eve", "tok_ok").await?;
    eve.buy(&[("tent-two", 2)]).await?;
    let paid = stage.staff.payments().await?.len();
    browser.click("Pay").await?;
    browser.sees("There is not enough of Tent for two left. You have not been charged.").await?;
    browser.shows("h1", "Your cart").await?;
    browser.sees("Only 1 left.").await?;
    stage.check(&browser, "a cart with too much").await?;
    anyhow::ensure!(stage.staff.payments().await?.len() == paid, "somebody was charged");
    browser.click("One less").await?;
    browser.click("Check out").await?;
    browser.click("Pay").await?;
    browser.shows("h1", "Thank you for your order").await?;
    browser.close().await
}

pub(crate) async fn price_change(stage: &Stage<'_>) -> anyhow::Result<()> {
    stage.stock().await?;
    let (ada, browser) = stage.customer(Device::Desktop).await?;
    browser.go("#/items/mug-enamel").await?;
    browser.click("Add to cart").await?;
    browser.shows("#pieces", "1").await?;
    browser.click("View cart").await?;
    browser.click("Check out").await?;
    browser.sees("Pay €").await?;
    let before = browser.text(".figures .total dd").await?;
    let details = json!({
        "title": "Enamel mug", "description": "A light mug.", "category": "kitchen", "image": "/images/mug-enamel.svg",
        "price": { "amount": 1500, "currency": "EUR" }, "weightGrams": 180,
    });
    stage.staff.client.send("PUT /items/mug-enamel", &details).await?.expect(200)?;
    browser.click("Pay").await?;
    browser.sees(&format!("The total has changed from {before} to ")).await?;
    anyhow::ensure!(stage.staff.payments().await?.is_empty(), "the old total or the new one was charged unseen");
    let cart = ada.client.ask("GET /carts/current").await?.expect(200)?;
    let place = json!({ "country": "DE", "postalCode": "20457" });
    let line = format!("POST /carts/{}/quotes", text(&cart, "/id")?);
    let quotes = ada.client.send(&line, &place).await?.expect(200)?;
    let now = euros(number(&quotes, "/options/0/total/amount")?);
    browser.shows(".figures .total dd", &now).await?;
    browser.click(&format!("Pay {now}")).await?;
    browser.shows("h1", "Thank you for your order").await?;
    let charged = euros(newest_charge(stage).await?);
    anyhow::ensure!(charged == now, "{now} was shown and {charged} charged");

    // A price in another currency than the rest of the cart is nobody's fault, and said so.
    let dollars = with(&details, "/price/currency", "USD");
    stage.staff.client.send("PUT /items/mug-enamel", &dollars).await?.expect(200)?;
    browser.go("#/items/lamp-desk").await?;
    browser.click("Add to cart").await?;
    browser.shows("#pieces", "1").await?;
    browser.go("#/items/mug-enamel").await?;
    browser.shows("h1", "Enamel mug").await?;
    browser.click("Add to cart").await?;
    browser.sees("This cannot be in one order with what is in your cart.").await?;
    browser.close().await
}
