//! Customers and staff: they follow their scripts, with values from earlier answers.

use serde_json::Value;
use shop_tests::json::text;
use shop_tests::{Client, Customer};

use crate::act::Act;
use crate::ask::{Asker, Exchange};
use crate::plan::{Errand, Task};

/// A customer with a second card, which is declined.
#[derive(Debug, Clone)]
pub(crate) struct Buyer {
    pub(crate) customer: Customer,
    pub(crate) declined_card: String,
}

impl Buyer {
    pub(crate) async fn sign_up(client: &Client, name: &str) -> anyhow::Result<Self> {
        let customer = Customer::sign_up(client, name, "tok_ok").await?;
        let declined_card = customer.add_card("tok_declined").await?;
        Ok(Self { customer, declined_card })
    }

    /// Does its errands; new customers sign up through `guest`.
    pub(crate) async fn run(self, errands: Vec<Errand>, guest: Client, mut asker: Asker) -> anyhow::Result<()> {
        let client = self.customer.client.unchecked();
        for errand in errands {
            match errand {
                Errand::Buy { lines, declined } => self.buy(&client, &mut asker, lines, declined).await?,
                Errand::Cancel { which } => {
                    let own = orders(&asker, |order| order["accountId"] == self.customer.id.as_str());
                    if let Some(order) = own.get(which % own.len().max(1)) {
                        let order = text(order, "/id")?;
                        asker.act(&client, Act::Cancel { order }).await?;
                    }
                }
                Errand::SignUp => {
                    let email = format!("{}@example.com", asker.key());
                    asker.act(&guest, Act::SignUp { email }).await?;
                }
            }
        }
        Ok(())
    }

    async fn buy(
        &self,
        client: &Client,
        asker: &mut Asker,
        lines: Vec<(&'static str, u32)>,
        declined: bool,
    ) -> anyhow::Result<()> {
        let cart = text(&asker.act(client, Act::OpenCart).await?.body, "/id")?;
        for (sku, quantity) in lines {
            let (cart, sku) = (cart.clone(), sku.to_owned());
            asker.act(client, Act::SetLine { cart, sku, quantity }).await?;
        }
        let mut choice = self.customer.choice();
        if declined {
            choice["paymentMethodId"] = self.declined_card.clone().into();
        }
        asker.act(client, Act::CheckOut { cart, choice, declined }).await?;
        Ok(())
    }
}

/// Does the work of staff, with the token of `client`.
pub(crate) async fn work(client: Client, tasks: Vec<Task>, mut asker: Asker) -> anyhow::Result<()> {
    for task in tasks {
        let all = orders(&asker, |_| true);
        let chosen = |which: usize| all.get(which % all.len().max(1));
        let act = match task {
            Task::Receive { sku, quantity } => Act::Receive { sku: sku.to_owned(), quantity },
            Task::Refund { which, cents } => match chosen(which) {
                Some(order) => Act::Refund { payment: text(order, "/payment/id")?, cents },
                None => continue,
            },
            Task::Record { which, status } => match chosen(which) {
                Some(order) => Act::Record { shipment: text(order, "/shipment/id")?, status: status.to_owned() },
                None => continue,
            },
        };
        asker.act(&client, act).await?;
    }
    Ok(())
}

/// The acknowledged orders so far for which `is_such` is true.
fn orders(asker: &Asker, is_such: impl Fn(&Value) -> bool) -> Vec<Value> {
    asker.record().each(|exchange| order(exchange).filter(|order| is_such(order)).cloned())
}

/// The order that an exchange acknowledged.
pub(crate) fn order(exchange: &Exchange) -> Option<&Value> {
    let placed = matches!(exchange.act, Act::CheckOut { .. }) && exchange.status == 201;
    placed.then_some(&exchange.body)
}
