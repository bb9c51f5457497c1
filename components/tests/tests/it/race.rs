//! Many customers, few pieces: money and stock add up.

use hyper::Method;
use shop_tests::{Customer, Shop};
use tokio::task::JoinSet;

const CUSTOMERS: usize = 64;
const PIECES: usize = 100;

/// Each customer buys one piece at a time until there is none left.
async fn buy_all_you_can(customer: Customer) -> anyhow::Result<(usize, i64)> {
    let (mut orders, mut paid) = (0, 0);
    loop {
        let cart = customer.fill_cart("rare-01", 1).await?;
        let answer = customer.check_out(&cart).await?;
        match answer.status.as_u16() {
            201 => {
                orders += 1;
                paid += answer.body["total"]["amount"].as_i64().expect("an order has a total");
            }
            409 => return Ok((orders, paid)),
            _ => anyhow::bail!("{answer:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_customers_race_for_a_hundred_pieces() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    shop.sell(&staff, "rare-01", 999, u32::try_from(PIECES)?).await?;
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
    let item = shop.client.send(Method::GET, "/items/rare-01", None, None).await?.expect(200)?;
    assert_eq!(item["available"], 0);
    assert_eq!(captured(&shop, &staff).await?, (PIECES, paid), "captured money equals the orders");
    shop.stop().await?;
    Ok(())
}

/// How many payments are captured, and how much they come to; none may be open or half undone.
async fn captured(shop: &Shop, staff: &str) -> anyhow::Result<(usize, i64)> {
    let (mut count, mut sum, mut cursor) = (0, 0, String::new());
    loop {
        let path = format!("/payments?limit=100{cursor}");
        let page = shop.client.send(Method::GET, &path, Some(staff), None).await?.expect(200)?;
        for payment in page["items"].as_array().expect("a page has items") {
            match payment["status"].as_str() {
                Some("captured") => {
                    count += 1;
                    sum += payment["amount"]["amount"].as_i64().expect("a payment has an amount");
                }
                Some("voided") => {}
                status => anyhow::bail!("a payment is {status:?}"),
            }
        }
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok((count, sum)),
        }
    }
}
