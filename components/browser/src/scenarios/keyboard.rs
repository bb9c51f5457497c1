//! A purchase with the keys of a keyboard alone.

use anyhow::Context as _;
use fantoccini::key::Key;

use crate::browser::{Browser, Device};
use crate::scenarios::Stage;

/// More stops than any page of the shop has.
const STOPS_MAX: usize = 120;

pub(crate) async fn purchase(stage: &Stage<'_>) -> anyhow::Result<()> {
    stage.stock().await?;
    let browser = stage.browser(Device::Desktop).await?;
    // The first stop jumps over the header.
    browser.press(&Key::Tab.to_string()).await?;
    anyhow::ensure!(focused(&browser).await? == "Skip to content", "the first stop is {}", focused(&browser).await?);
    browser.press(&Key::Enter.to_string()).await?;
    browser.until("the content has the focus", "return document.activeElement.id === 'content'").await?;
    go_to(&browser, "Enamel mug").await?;
    browser.press(&Key::Enter.to_string()).await?;
    browser.shows("h1", "Enamel mug").await?;
    browser.until("the heading has the focus", "return document.activeElement.tagName === 'H1'").await?;
    go_to(&browser, "Add to cart").await?;
    browser.press(&Key::Enter.to_string()).await?;
    browser.shows("#pieces", "1").await?;
    browser.until("the button keeps the focus", "return document.activeElement.textContent === 'Add to cart'").await?;
    browser.go("#/cart").await?;
    browser.shows("h1", "Your cart").await?;
    // A change shows the page anew, and the focus stays where it was.
    go_to(&browser, "One more Enamel mug").await?;
    browser.press(&Key::Enter.to_string()).await?;
    browser.shows("#pieces", "2").await?;
    let stays = "return document.activeElement.getAttribute('aria-label') === 'One more Enamel mug'";
    browser.until("the focus stays", stays).await?;
    go_to(&browser, "Check out").await?;
    browser.press(&Key::Enter.to_string()).await?;
    browser.shows("h1", "Sign in").await?;
    for (field, text) in [("Name", "Grace"), ("E-mail", "grace@example.com"), ("Password", shop_tests::PASSWORD)] {
        go_to_field(&browser, "I am new here", field).await?;
        browser.press(text).await?;
    }
    browser.press(&Key::Enter.to_string()).await?;
    browser.shows("h1", "Check out").await?;
    for (field, text) in
        [("Street and number", "1 Harbour Road"), ("Postal code", "20457"), ("City", "Hamburg"), ("Country", "Germ")]
    {
        go_to(&browser, field).await?;
        browser.press(text).await?;
    }
    go_to(&browser, "Save address").await?;
    browser.press(&Key::Enter.to_string()).await?;
    browser.sees("20457 Hamburg, Germany").await?;
    go_to(&browser, "Save card").await?;
    browser.press(&Key::Enter.to_string()).await?;
    browser.sees("Visa ending in 4242").await?;
    go_to(&browser, "Pay").await?;
    browser.press(&Key::Enter.to_string()).await?;
    browser.shows("h1", "Thank you for your order").await?;
    browser.close().await
}

/// Presses Tab until the focus is on what has a name that begins so. Every stop on the way must be seen.
async fn go_to(browser: &Browser, name: &str) -> anyhow::Result<()> {
    go_to_field(browser, "", name).await
}

async fn go_to_field(browser: &Browser, form: &str, name: &str) -> anyhow::Result<()> {
    let mut stops = Vec::new();
    while stops.len() < STOPS_MAX {
        browser.press(&Key::Tab.to_string()).await?;
        let stop = focused(browser).await?;
        let seen = "const at = document.activeElement; const style = getComputedStyle(at);
                    const box = at.getBoundingClientRect();
                    return at === document.body || (style.outlineStyle !== 'none' && box.bottom > 0 && box.top < innerHeight)";
        anyhow::ensure!(browser.evaluate(seen).await? == true, "the focus on “{stop}” is not seen");
        let heading =
            browser.evaluate("return document.activeElement.closest('form')?.querySelector('h2')?.textContent ?? ''");
        let in_form = form.is_empty() || heading.await? == form;
        if in_form && stop.starts_with(name) {
            return Ok(());
        }
        stops.push(stop);
    }
    anyhow::bail!("a keyboard does not reach “{name}”; it stops at {stops:?}")
}

/// The name of what has the focus.
async fn focused(browser: &Browser) -> anyhow::Result<String> {
    let name = "const at = document.activeElement;
                return (at.getAttribute('aria-label') || at.labels?.[0]?.textContent || at.textContent || '').trim().slice(0, 80)";
    let name = browser.evaluate(name).await?;
    Ok(name.as_str().context("something has the focus")?.to_owned())
}
