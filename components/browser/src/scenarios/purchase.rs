//! A purchase from the first page to the order.

use shop_tests::json::number;

use crate::browser::{Browser, Device};
use crate::scenarios::{Stage, euros, newest_charge};

pub(crate) async fn at_a_desk(stage: &Stage<'_>) -> anyhow::Result<()> {
    buy(stage, Device::Desktop).await
}

pub(crate) async fn with_a_phone(stage: &Stage<'_>) -> anyhow::Result<()> {
    buy(stage, Device::Phone).await
}

pub(crate) async fn without_storage(stage: &Stage<'_>) -> anyhow::Result<()> {
    buy(stage, Device::NoStorage).await
}

/// Looks around, fills a cart as a guest, opens an account at the checkout, and pays.
async fn buy(stage: &Stage<'_>, device: Device) -> anyhow::Result<()> {
    stage.stock().await?;
    let browser = stage.browser(device).await?;
    if device == Device::NoStorage {
        let is_blocked = "try { localStorage.length; return false } catch { return true }";
        anyhow::ensure!(browser.evaluate(is_blocked).await? == true, "this browser does store things");
    }
    let check = async |page: &str| stage.check(&browser, page).await;
    browser.sees("Enamel mug").await?;
    check("the first page").await?;
    browser.click("Kitchen").await?;
    browser.shows("h1", "Kitchen").await?;
    browser.click("Cast iron pan").await?;
    browser.shows("h1", "Cast iron pan").await?;
    check("an item").await?;
    browser.click("One more").await?;
    browser.click("Add to cart").await?;
    browser.shows("#pieces", "2").await?;
    check("an item that was put into the cart").await?;
    browser.click("View cart").await?;
    browser.shows("h1", "Your cart").await?;
    browser.sees("€119.80").await?;
    check("the cart").await?;
    browser.click("One less").await?;
    browser.shows("#pieces", "1").await?;
    browser.click("One more").await?;
    browser.shows("#pieces", "2").await?;
    browser.click("Check out").await?;
    check("the sign-in").await?;
    create_account(&browser).await?;
    check("a checkout without an address").await?;
    enter_address(&browser).await?;
    browser.click("Save card").await?;
    browser.sees("Visa ending in 4242").await?;
    check("the checkout").await?;
    // 4.8 kilograms to Berlin: what the shop says of this cart, not of any other weight.
    browser.click("Express").await?;
    let quoted = browser.text(".figures .total dd").await?;
    browser.click(&format!("Pay {quoted}")).await?;
    browser.shows("h1", "Thank you for your order").await?;
    browser.shows(".figures .total dd", &quoted).await?;
    let charged = euros(newest_charge(stage).await?);
    anyhow::ensure!(charged == quoted, "{quoted} was shown and {charged} charged");
    check("the order").await?;
    browser.until("the cart is empty", "return document.getElementById('pieces').hidden").await?;
    browser.click("Orders").await?;
    browser.shows("h1", "Your orders").await?;
    check("the orders").await?;
    let one_row = "return [...document.querySelectorAll('.order')].every((card) => card.getClientRects().length === 1)";
    anyhow::ensure!(browser.evaluate(one_row).await? == true, "an order's card is split");
    let item = stage.shop.client.ask("GET /items/pan-iron").await?.expect(200)?;
    anyhow::ensure!(number(&item, "/available")? == 8, "two were bought: {item}");
    browser.close().await
}

pub(crate) async fn create_account(browser: &Browser) -> anyhow::Result<()> {
    let form = "I am new here";
    browser.fill(form, "Name", "Grace Hopper").await?;
    browser.fill(form, "E-mail", "grace@example.com").await?;
    browser.fill(form, "Password", shop_tests::PASSWORD).await?;
    browser.click("Create account").await?;
    browser.shows("h1", "Check out").await
}

pub(crate) async fn enter_address(browser: &Browser) -> anyhow::Result<()> {
    browser.fill("", "Street and number", "Unter den Linden 1").await?;
    browser.fill("", "Postal code", "10117").await?;
    browser.fill("", "City", "Berlin").await?;
    browser.choose("Country", "Germany").await?;
    browser.click("Save address").await?;
    browser.sees("Unter den Linden 1, 10117 Berlin, Germany").await
}
