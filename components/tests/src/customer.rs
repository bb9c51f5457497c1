//! A customer: signed up, signed in, with an address and a card.

use anyhow::Context as _;
use hyper::Method;
use serde_json::{Value, json};

use crate::http::{Answer, Client};

#[derive(Debug, Clone)]
pub struct Customer {
    pub client: Client,
    pub id: String,
    pub token: String,
    pub address: String,
    pub card: String,
}

/// The text of a member that has to be there.
fn text(value: &Value, member: &str) -> anyhow::Result<String> {
    let text = value.get(member).and_then(Value::as_str);
    Ok(text.with_context(|| format!("no {member} in {value}"))?.to_owned())
}

impl Customer {
    /// Signs up as `name`, who pays with the processor's `card_token`.
    ///
    /// # Errors
    ///
    /// When the shop refuses.
    pub async fn sign_up(client: &Client, name: &str, card_token: &str) -> anyhow::Result<Self> {
        let (email, password) = (format!("{name}@example.com"), format!("password of {name}"));
        let details = json!({ "email": email, "name": name, "password": password });
        let account = client.send(Method::POST, "/accounts", None, Some(&details)).await?.expect(201)?;
        let credentials = json!({ "email": email, "password": password });
        let session = client.send(Method::POST, "/sessions", None, Some(&credentials)).await?.expect(201)?;
        let mut customer = Self {
            client: client.clone(),
            id: text(&account, "id")?,
            token: text(&session, "token")?,
            address: String::new(),
            card: String::new(),
        };
        let address = json!({ "recipient": name, "line1": "1 Harbour Road", "city": "Hamburg", "postalCode": "20457", "country": "DE" });
        let added = customer.post(&format!("/accounts/{}/addresses", customer.id), &address).await?.expect(201)?;
        customer.address = text(&added, "id")?;
        let card =
            json!({ "token": card_token, "brand": "visa", "last4": "4242", "expiryMonth": 12, "expiryYear": 2099 });
        let added = customer.post(&format!("/accounts/{}/payment-methods", customer.id), &card).await?.expect(201)?;
        customer.card = text(&added, "id")?;
        Ok(customer)
    }

    /// # Errors
    ///
    /// When there is no answer.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.client.send(Method::GET, path, Some(&self.token), None).await
    }

    /// # Errors
    ///
    /// When there is no answer.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.client.send(Method::POST, path, Some(&self.token), Some(body)).await
    }

    /// Opens a cart with one line.
    ///
    /// # Errors
    ///
    /// When the shop refuses.
    pub async fn fill_cart(&self, sku: &str, quantity: u32) -> anyhow::Result<String> {
        let cart = self.client.send(Method::POST, "/carts", Some(&self.token), None).await?.expect(201)?;
        let id = text(&cart, "id")?;
        let line = json!({ "quantity": quantity });
        let path = format!("/carts/{id}/lines/{sku}");
        self.client.send(Method::PUT, &path, Some(&self.token), Some(&line)).await?.expect(200)?;
        Ok(id)
    }

    /// # Errors
    ///
    /// When there is no answer.
    pub async fn check_out(&self, cart: &str) -> anyhow::Result<Answer> {
        let request = json!({ "addressId": self.address, "paymentMethodId": self.card, "shippingOption": "standard" });
        self.post(&format!("/carts/{cart}/checkout"), &request).await
    }
}
