//! What a shopper did wrong is said beside its field, in a shopper's words.

use shop_tests::Customer;

use crate::browser::{Browser, Device};
use crate::scenarios::{Stage, purchase};

/// Waits until the field with this label in the form says that, and is the one with the focus if it is the first.
async fn says(browser: &Browser, form: &str, label: &str, text: &str) -> anyhow::Result<()> {
    let script = format!(
        "const label = [...document.querySelectorAll('label')].find((label) => label.textContent === {label:?}
           && (label.closest('form')?.querySelector('h2')?.textContent ?? '') === {form:?});
         const form = label?.closest('form');
         const error = label?.parentElement.querySelector('.wrong');
         const control = label && document.getElementById(label.htmlFor);
         const isTied = control?.getAttribute('aria-describedby').split(' ').includes(error.id);
         const first = form?.querySelector('[aria-invalid]');
         return error?.textContent === {text:?} && isTied && control.getAttribute('aria-invalid') === 'true'
           && document.activeElement === first"
    );
    browser.until(&format!("beside “{label}” it says “{text}”"), &script).await
}

pub(crate) async fn beside_fields(stage: &Stage<'_>) -> anyhow::Result<()> {
    stage.stock().await?;
    let ada = Customer::sign_up(&stage.shop.client, "ada", "tok_ok").await?;
    let browser = stage.browser(Device::Phone).await?;
    browser.go("#/items/mug-enamel").await?;
    browser.click("Add to cart").await?;
    browser.shows("#pieces", "1").await?;
    browser.go("#/sign-in").await?;
    let (old, new) = ("I have an account", "I am new here");
    let email = "Enter an e-mail address such as name@example.com.";
    browser.click("Create account").await?;
    says(&browser, new, "Name", "Enter your name.").await?;
    says(&browser, new, "E-mail", email).await?;
    says(&browser, new, "Password", "Use a password of at least 8 characters.").await?;
    stage.check(&browser, "a form with errors").await?;
    // An error goes as soon as its field is right.
    browser.fill(new, "Name", "Ada").await?;
    browser.until("the name is right", "return document.querySelectorAll('[aria-invalid]').length === 2").await?;
    browser.fill(new, "E-mail", "ada").await?;
    browser.fill(new, "Password", "short").await?;
    browser.click("Create account").await?;
    says(&browser, new, "E-mail", email).await?;
    says(&browser, new, "Password", "Use a password of at least 8 characters.").await?;
    // What only the shop knows.
    browser.fill(new, "E-mail", &ada.email.to_uppercase()).await?;
    browser.fill(new, "Password", shop_tests::PASSWORD).await?;
    browser.click("Create account").await?;
    says(&browser, new, "E-mail", "There is an account with this e-mail address already. Sign in instead.").await?;
    browser.fill(old, "E-mail", &ada.email).await?;
    browser.fill(old, "Password", "not the password").await?;
    browser.click_in(old, "Sign in").await?;
    says(&browser, old, "Password", "E-mail address and password do not match. Check both and try again.").await?;
    browser.fill(new, "E-mail", "grace@example.com").await?;
    browser.click("Create account").await?;
    browser.shows("h1", "Your cart").await?;

    browser.click("Check out").await?;
    browser.fill("", "Recipient", " ").await?;
    browser.click("Save address").await?;
    for (label, text) in [
        ("Recipient", "Enter the name on the door."),
        ("Street and number", "Enter the street and the number."),
        ("Postal code", "Enter the postal code."),
        ("City", "Enter the city."),
    ] {
        says(&browser, "", label, text).await?;
    }
    browser.choose("Country", "Choose a country").await?;
    browser.click("Save address").await?;
    says(&browser, "", "Country", "Choose a country.").await?;
    browser.fill("", "Recipient", "Grace").await?;
    purchase::enter_address(&browser).await?;
    browser.close().await
}

pub(crate) async fn declined(stage: &Stage<'_>) -> anyhow::Result<()> {
    stage.stock().await?;
    let (ada, browser) = stage.customer(Device::Desktop).await?;
    ada.fill_cart(&[("mug-enamel", 1)]).await?;
    browser.go("#/checkout").await?;
    browser.click("Add another card").await?;
    browser.choose("Test card", "Mastercard 9995: has no money on it").await?;
    browser.click("Save card").await?;
    browser.sees("Mastercard ending in 9995").await?;
    browser.click("Pay").await?;
    let text =
        "Your card was declined: there is not enough money on it. You have not been charged. Choose another card.";
    browser.shows(".summary .alert", text).await?;
    stage.check(&browser, "a checkout with a declined card").await?;
    browser.click("Visa ending in 4242").await?;
    browser.click("Pay").await?;
    browser.shows("h1", "Thank you for your order").await?;
    browser.close().await
}
