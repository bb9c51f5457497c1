//! What shoppers do, and what must not go wrong on the way.

mod errors;
mod keyboard;
mod orders;
mod purchase;
mod sessions;
mod stock;

use std::pin::Pin;

use anyhow::Context as _;
use shop_tests::json::number;
use shop_tests::{Customer, Shop, Staff};

use crate::browser::{Browser, Device};
use crate::driver::Driver;
use crate::{checks, goods};

/// What a scenario has: a shop without goods, and a browser for whoever enters it.
pub(crate) struct Stage<'a> {
    pub(crate) shop: &'a Shop,
    pub(crate) staff: &'a Staff,
    pub(crate) driver: &'a Driver,
    pub(crate) axe: Option<&'a str>,
}

pub(crate) type Scenario = for<'a> fn(&'a Stage<'a>) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send + 'a>>;

pub(crate) const SCENARIOS: [(&str, Scenario); 13] = [
    ("a stranger buys at a desk and is charged what the page says", |stage| Box::pin(purchase::at_a_desk(stage))),
    ("a stranger buys with a phone and is charged what the page says", |stage| Box::pin(purchase::with_a_phone(stage))),
    ("a purchase needs no storage of the browser", |stage| Box::pin(purchase::without_storage(stage))),
    ("a purchase needs nothing but a keyboard", |stage| Box::pin(keyboard::purchase(stage))),
    ("a cart survives the sign-out", |stage| Box::pin(sessions::sign_out_and_back(stage))),
    ("two tabs have one cart and one session", |stage| Box::pin(sessions::second_tab(stage))),
    ("an expired session leads back to the page and the cart", |stage| Box::pin(sessions::expired(stage))),
    ("what is sold out cannot be bought", |stage| Box::pin(stock::sold_out(stage))),
    ("a total that changes is shown before it is charged", |stage| Box::pin(stock::price_change(stage))),
    ("errors are beside their fields", |stage| Box::pin(errors::beside_fields(stage))),
    ("a declined card says so, and another one is charged", |stage| Box::pin(errors::declined(stage))),
    ("cancelling an order asks first", |stage| Box::pin(orders::cancel_asks_first(stage))),
    ("every page is readable in the dark", |stage| Box::pin(orders::in_the_dark(stage))),
];

impl Stage<'_> {
    /// Puts the demo goods on sale, ten of each.
    pub(crate) async fn stock(&self) -> anyhow::Result<()> {
        goods::sell(self.staff, |_, _| 10).await
    }

    pub(crate) async fn browser(&self, device: Device) -> anyhow::Result<Browser> {
        Browser::open(self.driver, &self.shop.client, device).await
    }

    /// A customer with an address in Hamburg and a card that is charged, signed in in a browser.
    pub(crate) async fn customer(&self, device: Device) -> anyhow::Result<(Customer, Browser)> {
        let customer = Customer::sign_up(&self.shop.client, "ada", "tok_ok").await?;
        let browser = self.browser(device).await?;
        sign_in(&browser, &customer.email).await?;
        browser.sees("Sign out").await?;
        Ok((customer, browser))
    }

    /// Checks everything that must hold on every page.
    pub(crate) async fn check(&self, browser: &Browser, page: &str) -> anyhow::Result<()> {
        checks::check(browser, self.axe, page).await
    }
}

/// Signs in on the page for that.
pub(crate) async fn sign_in(browser: &Browser, email: &str) -> anyhow::Result<()> {
    browser.go("#/sign-in").await?;
    enter_credentials(browser, email).await
}

/// Signs in where the page has asked for it.
pub(crate) async fn enter_credentials(browser: &Browser, email: &str) -> anyhow::Result<()> {
    let form = "I have an account";
    browser.fill(form, "E-mail", email).await?;
    browser.fill(form, "Password", shop_tests::PASSWORD).await?;
    browser.click_in(form, "Sign in").await
}

/// The amount of the newest payment, in cents.
pub(crate) async fn newest_charge(stage: &Stage<'_>) -> anyhow::Result<i64> {
    let payments = stage.staff.payments().await?;
    number(payments.first().context("nobody has paid")?, "/amount/amount")
}

/// `€30.70` for 3070.
pub(crate) fn euros(cents: i64) -> String {
    format!("€{}.{:02}", cents / 100, cents % 100)
}
