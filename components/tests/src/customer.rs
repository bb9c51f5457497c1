//! A customer: signed up, signed in, with an address and a card.

use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Answer, Client};
use crate::json::text;

/// The password of every customer in the tests.
pub const PASSWORD: &str = "a password that is long enough";

#[derive(Debug, Clone)]
pub struct Customer {
    /// Sends with the customer's token.
    pub client: Client,
    pub id: String,
    pub email: String,
    pub address: String,
    pub card: String,
}

/// An address in Germany.
#[must_use]
pub fn address() -> Value {
    json!({
        "recipient": "Ada Lovelace", "line1": "1 Harbour Road", "city": "Hamburg", "postalCode": "20457", "country": "DE",
    })
}

/// A card for which the payment processor gave `token`.
#[must_use]
pub fn card(token: &str) -> Value {
    json!({ "token": token, "brand": "visa", "last4": "4242", "expiryMonth": 12, "expiryYear": 2099 })
}

/// Signs in with the common password.
///
/// # Errors
///
/// When the shop refuses.
pub async fn sign_in(client: &Client, email: &str) -> anyhow::Result<Client> {
    let credentials = json!({ "email": email, "password": PASSWORD });
    let session = send_when_free(client, "POST /sessions", &credentials).await?.expect(201)?;
    Ok(client.with_token(text(&session, "/token")?))
}

/// Sends a request with a password, again if the host is busy with those of others: each takes long, and it refuses what
/// would wait too long for its turn.
async fn send_when_free(client: &Client, line: &str, body: &Value) -> anyhow::Result<Answer> {
    let mut answer = client.send(line, body).await?;
    for _ in 0..60 {
        // It says that nothing was changed.
        if !matches!(answer.status.as_u16(), 503 | 504) {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        answer = client.send(line, body).await?;
    }
    Ok(answer)
}

impl Customer {
    /// Signs up as `name`, who pays with the processor's `card_token`.
    ///
    /// # Errors
    ///
    /// When the shop refuses.
    pub async fn sign_up(client: &Client, name: &str, card_token: &str) -> anyhow::Result<Self> {
        let email = format!("{name}@example.com");
        let details = json!({ "email": email, "name": name, "password": PASSWORD });
        let account = send_when_free(client, "POST /accounts", &details).await?.expect(201)?;
        let (client, id) = (sign_in(client, &email).await?, text(&account, "/id")?);
        let mut customer = Self { client, id, email, address: String::new(), card: String::new() };
        customer.address = customer.add_address(&address()).await?;
        customer.card = customer.add_card(card_token).await?;
        Ok(customer)
    }

    /// The same customer, with the same token, at the address of `client`.
    #[must_use]
    pub fn at(&self, client: &Client) -> Self {
        Self { client: self.client.at(client), ..self.clone() }
    }

    /// # Errors
    ///
    /// When the shop refuses.
    pub async fn add_address(&self, address: &Value) -> anyhow::Result<String> {
        let line = format!("POST /accounts/{}/addresses", self.id);
        text(&self.client.send(&line, address).await?.expect(201)?, "/id")
    }

    /// # Errors
    ///
    /// When the shop refuses.
    pub async fn add_card(&self, token: &str) -> anyhow::Result<String> {
        let line = format!("POST /accounts/{}/payment-methods", self.id);
        text(&self.client.send(&line, &card(token)).await?.expect(201)?, "/id")
    }

    /// Opens a cart with these lines.
    ///
    /// # Errors
    ///
    /// When the shop refuses.
    pub async fn fill_cart(&self, lines: &[(&str, u32)]) -> anyhow::Result<String> {
        fill_cart(&self.client, lines).await
    }

    /// The request body of a checkout with the first address and card.
    #[must_use]
    pub fn choice(&self) -> Value {
        json!({ "addressId": self.address, "paymentMethodId": self.card, "shippingOption": "standard" })
    }

    /// # Errors
    ///
    /// When there is no answer.
    pub async fn check_out(&self, cart: &str) -> anyhow::Result<Answer> {
        self.client.send(&format!("POST /carts/{cart}/checkout"), &self.choice()).await
    }

    /// Buys these lines; returns the order.
    ///
    /// # Errors
    ///
    /// When the shop refuses.
    pub async fn buy(&self, lines: &[(&str, u32)]) -> anyhow::Result<Value> {
        let cart = self.fill_cart(lines).await?;
        self.check_out(&cart).await?.expect(201)
    }
}

/// Opens a cart with these lines: a guest's, or one of the client's customer if it has a token.
///
/// # Errors
///
/// When the shop refuses.
pub async fn fill_cart(client: &Client, lines: &[(&str, u32)]) -> anyhow::Result<String> {
    let id = text(&client.ask("POST /carts").await?.expect(201)?, "/id")?;
    for (sku, quantity) in lines {
        let line = format!("PUT /carts/{id}/lines/{sku}");
        client.send(&line, &json!({ "quantity": quantity })).await?.expect(200)?;
    }
    Ok(id)
}
