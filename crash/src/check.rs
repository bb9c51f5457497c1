//! The properties that must hold after every recovery, seen only through the REST API and the operator's API.

mod carts;
mod idle;
mod keys;
mod orders;
mod stock;

use serde_json::Value;
use shop_tests::Client;
use shop_tests::json::{number, text};

use crate::act::Act;
use crate::ask::Exchange;
use crate::people::Buyer;
use crate::report::Violation;

pub(crate) use idle::idle;
pub(crate) use keys::keys;
use orders::Books;

/// Checks the shop against everything that it ever acknowledged; `begin` is the first exchange of the last round. All
/// requests are answered, and no call is running.
pub(crate) async fn shop(
    staff: &Client,
    buyers: &[Buyer],
    goods: impl Iterator<Item = (&'static str, u32)>,
    exchanges: &[Exchange],
    begin: usize,
) -> anyhow::Result<Vec<Violation>> {
    let books = Books::read(staff, exchanges).await?;
    let mut found = books.check(exchanges)?;
    found.extend(stock::check(staff, goods, exchanges, &books).await?);
    found.extend(accounts(staff, buyers, exchanges, &books).await?);
    found.extend(carts::check(staff, exchanges, begin).await?);
    Ok(found)
}

/// Impossible answers: something that an earlier answer acknowledged is missing, or an earlier effect of the key is in
/// the way.
pub(crate) fn unexpected(exchanges: &[Exchange]) -> Vec<Violation> {
    let unexpected = exchanges.iter().filter(|exchange| !exchange.act.may_answer(exchange.status));
    let told = |Exchange { act, key, status, body, .. }: &Exchange| {
        let detail = format!("{act:?} under the key {key} is answered with {status} {body}");
        match status {
            404 | 422 => Violation::lost(detail),
            409 => Violation::doubled(detail),
            _ => Violation::wrong(detail),
        }
    };
    unexpected.map(told).collect()
}

/// Customers who signed up are unchanged, and the order count of each account is right.
async fn accounts(
    staff: &Client,
    buyers: &[Buyer],
    exchanges: &[Exchange],
    books: &Books,
) -> anyhow::Result<Vec<Violation>> {
    let mut found = Vec::new();
    let signed_up = |exchange: &&Exchange| matches!(exchange.act, Act::SignUp { .. }) && exchange.status == 201;
    for exchange in exchanges.iter().filter(signed_up) {
        let answer = staff.ask(&format!("GET /accounts/{}", text(&exchange.body, "/id")?)).await?;
        if answer.body != exchange.body {
            found.push(Violation::lost(format!("{} was acknowledged, found is {}", exchange.body, answer.body)));
        }
    }
    for Buyer { customer, .. } in buyers {
        let account: Value = staff.ask(&format!("GET /accounts/{}", customer.id)).await?.expect(200)?;
        let (told, placed) = (number(&account, "/orderCount")?, i64::try_from(books.standing_of(&customer.id))?);
        if told != placed {
            let detail = format!("{} has {placed} orders that stand, and its account counts {told}", customer.email);
            found.push(if told < placed { Violation::lost(detail) } else { Violation::doubled(detail) });
        }
    }
    Ok(found)
}
