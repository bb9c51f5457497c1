//! Carts and pages over the end of a session, and in two tabs.

use shop_tests::json::list;

use crate::browser::Device;
use crate::scenarios::{Stage, enter_credentials, sign_in};

pub(crate) async fn sign_out_and_back(stage: &Stage<'_>) -> anyhow::Result<()> {
    stage.stock().await?;
    let (ada, browser) = stage.customer(Device::Desktop).await?;
    browser.go("#/items/mug-enamel").await?;
    browser.click("Add to cart").await?;
    browser.shows("#pieces", "1").await?;
    browser.click("Sign out").await?;
    browser.sees("You are signed out. Your cart waits for you.").await?;
    browser.until("the cart is out of sight", "return document.getElementById('pieces').hidden").await?;
    // As a guest there is another cart, and both become one.
    browser.go("#/items/lamp-desk").await?;
    browser.click("Add to cart").await?;
    browser.shows("#pieces", "1").await?;
    sign_in(&browser, &ada.email).await?;
    browser.shows("h1", "Your cart").await?;
    browser.shows("#pieces", "2").await?;
    browser.sees("Enamel mug").await?;
    browser.sees("Desk lamp").await?;
    browser.reload().await?;
    browser.shows("#pieces", "2").await?;
    // What something else has left in the browser's storage is as good as nothing.
    for broken in ["{", "7", "null", "{\"token\": 7}"] {
        let set = format!("for (const name of ['session', 'cart']) localStorage.setItem(name, {broken:?})");
        browser.evaluate(&set).await?;
        browser.go("#/items/mug-enamel").await?;
        browser.reload().await?;
        browser.sees("Sign in").await?;
        browser.click("Add to cart").await?;
        browser.sees("Enamel mug is in your cart.").await?;
    }
    browser.close().await
}

pub(crate) async fn second_tab(stage: &Stage<'_>) -> anyhow::Result<()> {
    stage.stock().await?;
    let (ada, browser) = stage.customer(Device::Desktop).await?;
    let first = browser.second_tab().await?;
    browser.sees("Sign out").await?;
    browser.go("#/items/mug-enamel").await?;
    browser.click("Add to cart").await?;
    browser.shows("#pieces", "1").await?;
    // The first tab has not heard of that cart, and puts its item into the same.
    let second = browser.switch_to(&first).await?;
    browser.go("#/items/lamp-desk").await?;
    browser.click("Add to cart").await?;
    browser.shows("#pieces", "2").await?;
    let cart = ada.client.ask("GET /carts/current").await?.expect(200)?;
    anyhow::ensure!(list(&cart, "/lines")?.len() == 2, "not in one cart: {cart}");
    // Who signs out does so in every tab.
    browser.click("Sign out").await?;
    browser.sees("You are signed out").await?;
    browser.switch_to(&second).await?;
    browser.sees("Sign in").await?;
    browser.until("it has no cart", "return document.getElementById('pieces').hidden").await?;
    browser.close().await
}

pub(crate) async fn expired(stage: &Stage<'_>) -> anyhow::Result<()> {
    stage.stock().await?;
    let (ada, browser) = stage.customer(Device::Desktop).await?;
    browser.go("#/items/mug-enamel").await?;
    browser.click("Add to cart").await?;
    browser.shows("#pieces", "1").await?;
    let end = "const { token } = JSON.parse(localStorage.getItem('session'));
               const done = arguments[arguments.length - 1];
               fetch('/sessions/current', { method: 'DELETE', headers: { Authorization: `Bearer ${token}` } }).then(() => done(true))";
    browser.evaluate_later(end).await?;
    browser.go("#/checkout").await?;
    browser.sees("Your session has ended. Sign in to go on; your cart is kept.").await?;
    stage.check(&browser, "the sign-in after a session").await?;
    enter_credentials(&browser, &ada.email).await?;
    browser.shows("h1", "Check out").await?;
    browser.sees("Enamel mug").await?;
    // Whoever only wants to put something into the cart is not stopped.
    browser.evaluate_later(end).await?;
    browser.go("#/items/lamp-desk").await?;
    browser.click("Add to cart").await?;
    browser.sees("Desk lamp is in your cart.").await?;
    browser.sees("Sign in").await?;
    sign_in(&browser, &ada.email).await?;
    browser.shows("#pieces", "2").await?;
    browser.close().await
}
