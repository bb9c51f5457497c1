//! Orders after they were placed, and all pages in dark colours.

use fantoccini::key::Key;
use shop_tests::json::text;

use crate::browser::Device;
use crate::scenarios::Stage;

pub(crate) async fn cancel_asks_first(stage: &Stage<'_>) -> anyhow::Result<()> {
    stage.stock().await?;
    let (ada, browser) = stage.customer(Device::Phone).await?;
    let order = ada.buy(&[("mug-enamel", 1)]).await?;
    let line = format!("GET /orders/{}", text(&order, "/id")?);
    let status = async || text(&ada.client.ask(&line).await?.expect(200)?, "/status");
    browser.go("#/orders").await?;
    browser.click(&browser.text(".order b").await?).await?;
    browser.sees("Being prepared").await?;
    let is_open = "return document.querySelector('dialog').open";
    for _ in 0..2 {
        browser.click("Cancel order …").await?;
        browser.until("it asks", is_open).await?;
        stage.check(&browser, "the question").await?;
        browser.press(&Key::Escape.to_string()).await?;
        browser.until("it is kept", "return !document.querySelector('dialog').open").await?;
    }
    browser.until("the focus is back", "return document.activeElement.textContent === 'Cancel order …'").await?;
    browser.click("Cancel order …").await?;
    browser.click("Keep order").await?;
    anyhow::ensure!(status().await? == "placed", "it was cancelled without a yes");
    browser.click("Cancel order …").await?;
    browser.click_in("Cancel this order?", "Cancel order").await?;
    browser.sees("Your order is cancelled, and your money is on its way back.").await?;
    browser.sees("Refunded").await?;
    anyhow::ensure!(status().await? == "cancelled", "it was not cancelled");

    // One that has left says so.
    let order = ada.buy(&[("mug-enamel", 1)]).await?;
    browser.go(&format!("#/orders/{}", text(&order, "/id")?)).await?;
    browser.sees("Being prepared").await?;
    let shipment = text(&order, "/shipment/id")?;
    for status in ["packed", "shipped"] {
        stage.staff.record(&shipment, status).await?.expect(200)?;
    }
    browser.click("Cancel order …").await?;
    browser.click_in("Cancel this order?", "Cancel order").await?;
    browser.sees("Your parcel has left already, so the order cannot be cancelled any more.").await?;
    browser.close().await
}

pub(crate) async fn in_the_dark(stage: &Stage<'_>) -> anyhow::Result<()> {
    stage.stock().await?;
    let (ada, browser) = stage.customer(Device::Desktop).await?;
    browser.prefer_dark().await?;
    let order = ada.buy(&[("mug-enamel", 1)]).await?;
    ada.fill_cart(&[("lamp-desk", 2), ("mug-enamel", 11)]).await?;
    let order = format!("#/orders/{}", text(&order, "/id")?);
    let pages = [
        "",
        "#/?query=mug",
        "#/?query=nothing-like-it",
        "#/items/lamp-desk",
        "#/items/none",
        "#/cart",
        "#/checkout",
        "#/orders",
        &order,
        "#/nowhere",
    ];
    for page in pages {
        browser.go(page).await?;
        stage.check(&browser, page).await?;
    }
    browser.click("Sign out").await?;
    browser.sees("You are signed out").await?;
    for page in ["#/sign-in", "#/cart"] {
        browser.go(page).await?;
        stage.check(&browser, page).await?;
    }
    browser.close().await
}
