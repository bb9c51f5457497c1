//! Many customers at once: the sums of money and stock are right.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shop_tests::json::{number, text};
use shop_tests::{Customer, Shop, Staff, fill_cart};
use tokio::task::JoinSet;

const CUSTOMERS: usize = 64;
const PIECES: u32 = 100;
const CLICKS: usize = 20;

/// Each customer buys one piece at a time until none is left.
async fn buy_all_you_can(customer: Customer) -> anyhow::Result<(u32, i64)> {
    let (mut orders, mut paid) = (0, 0);
    loop {
        let cart = customer.fill_cart(&[("rare-01", 1)]).await?;
        let answer = customer.check_out(&cart).await?;
        match answer.told()?.as_str() {
            "201" => {
                orders += 1;
                paid += number(&answer.body, "/total/amount")?;
            }
            "409" => return Ok((orders, paid)),
            _ => anyhow::bail!("{answer:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_customers_race_for_a_hundred_pieces() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("rare-01", 999, PIECES).await?;
    let mut customers = JoinSet::new();
    for number in 0..CUSTOMERS {
        let client = shop.client.clone();
        customers.spawn(async move {
            let customer = Customer::sign_up(&client, &format!("customer{number}"), "tok_ok").await?;
            buy_all_you_can(customer).await
        });
    }
    let (mut orders, mut paid) = (0, 0);
    while let Some(ended) = customers.join_next().await {
        let (more, sum) = ended??;
        (orders, paid) = (orders + more, paid + sum);
    }
    assert_eq!(orders, PIECES);
    assert_eq!(shop.available("rare-01").await?, 0);
    let payments = Payments::of(&staff).await?;
    assert_eq!(payments.captured, paid, "captured money equals the orders");
    assert_eq!(payments.count.get("captured"), Some(&usize::try_from(PIECES)?));
    assert!(payments.count.keys().all(|status| ["captured", "voided"].contains(&status.as_str())), "{payments:?}");
    shop.stop().await?;
    Ok(())
}

/// The totals of all payments.
#[derive(Debug, Default)]
struct Payments {
    /// The number of payments by status.
    count: BTreeMap<String, usize>,
    captured: i64,
    voided_orders: Vec<String>,
}

impl Payments {
    async fn of(staff: &Staff) -> anyhow::Result<Self> {
        let mut payments = Self::default();
        for payment in staff.payments().await? {
            let status = text(&payment, "/status")?;
            match status.as_str() {
                "captured" => payments.captured += number(&payment, "/amount/amount")?,
                "voided" => payments.voided_orders.push(text(&payment, "/orderId")?),
                _ => {}
            }
            *payments.count.entry(status).or_default() += 1;
        }
        Ok(payments)
    }
}

/// The shipment of an order. The operator gets it by scheduling it again.
async fn shipment_status(shop: &Shop, customer: &Customer, order: &str) -> anyhow::Result<Value> {
    let details = json!({ "details": {
        "orderId": order, "accountId": customer.id, "option": "standard", "recipient": "Ada", "country": "DE",
        "postalCode": "20457", "weightGrams": 500,
    } });
    Ok(shop.operate("shipping", "schedule", &details).await?.expect(200)?["status"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_that_is_checked_out_many_times_at_once_is_one_order() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("mug-01", 1250, 1000).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let eve = Customer::sign_up(&shop.client, "eve", "tok_ok").await?;
    // With a slow processor, all of them are charged before one of them is done.
    let slow = Customer { card: ada.add_card("tok_slow").await?, ..ada.clone() };
    let (mut orders, mut paid, mut voided) = (0, 0, 0);
    // A guest's cart is open to both customers until one of them has bought it.
    let cases = [
        (2, [&ada, &ada], false),
        (CLICKS, [&ada, &ada], false),
        (CLICKS, [&ada, &eve], false),
        (CLICKS, [&slow, &slow], true),
    ];
    for (clicks, who, all_are_charged) in cases {
        let cart = fill_cart(&shop.client, &[("mug-01", 3)]).await?;
        let mut attempts = JoinSet::new();
        for click in 0..clicks {
            let (customer, cart) = (who[click % 2].clone(), cart.clone());
            attempts.spawn(async move { anyhow::Ok((customer.check_out(&cart).await?, customer.id)) });
        }
        let (mut bought, mut refused) = (Vec::new(), Vec::new());
        while let Some(attempt) = attempts.join_next().await {
            let (answer, customer) = attempt??;
            if answer.status == 201 {
                paid += number(&answer.body, "/total/amount")?;
                bought.push(customer);
            } else {
                refused.push((answer.told()?, customer));
            }
        }
        let [buyer] = bought.as_slice() else { anyhow::bail!("{} orders of {clicks} clicks", bought.len()) };
        for (told, customer) in refused {
            assert_eq!(told, if customer == *buyer { "409" } else { "404" }, "{clicks} at once");
        }
        orders += 1;
        assert_eq!(shop.available("mug-01").await?, 1000 - 3 * orders, "{clicks} at once");
        let payments = Payments::of(&staff).await?;
        assert_eq!(payments.captured, paid, "what the losers paid is voided: {payments:?}");
        assert!(payments.count.keys().all(|status| ["captured", "voided"].contains(&status.as_str())), "{payments:?}");
        for order in &payments.voided_orders {
            assert_eq!(shipment_status(&shop, &ada, order).await?, "cancelled", "{order}");
        }
        let undone = payments.voided_orders.len() - std::mem::replace(&mut voided, payments.voided_orders.len());
        assert!(!all_are_charged || undone == clicks - 1, "{undone} undone of {clicks}");
    }
    shop.stop().await?;
    Ok(())
}
