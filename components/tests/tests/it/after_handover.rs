//! What the host has stored about calls, after their service runs another implementation.

use serde_json::json;
use shop_tests::json::{number, text};
use shop_tests::{Customer, Shop, alternatives};

use crate::handover::{alternative, until};
use crate::retries::keyed;

/// A key that was answered before is answered in the same way, and the new implementation does nothing for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_answered_before_a_handover_is_not_done_again_by_the_new_implementation()
-> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("tea-01", 999, 10).await?;
    let customer = Customer::sign_up(&shop.client, "anna", "tok_ok").await?;
    let checkout = format!("POST /carts/{}/checkout", customer.fill_cart(&[("tea-01", 3)]).await?);
    let (receipt, choice) = (json!({ "quantity": 5 }), customer.choice());
    let received = async || keyed(&staff.client, "receipt", "POST /items/tea-01/receipts", &receipt).await;
    let placed = async || keyed(&customer.client, "checkout", &checkout, &choice).await;
    let (_, _, first_receipt) = received().await?;
    assert_eq!(number(&first_receipt.expect(200)?, "/available")?, 15);
    let (_, _, first_order) = placed().await?;
    let order = first_order.expect(201)?;
    for service in alternatives::services()? {
        let service = service.as_str();
        let before = shop.ask_operator(&format!("GET /services/{service}")).await?;
        let own = text(&before, "/live/digest")?;
        // The format that a component gets from its crate, where it names none.
        assert_eq!(text(&before, "/live/dataVersion/format")?, service);
        shop.deploy(service, "?handover=true", alternative(service)?).await?.expect(201)?;
        until(&shop, service, "is handed over", |now| now["live"]["digest"] != own.as_str()).await?;
    }
    // The state goes on, so that an answer that is made again would be another one.
    staff.client.send("POST /items/tea-01/receipts", &json!({ "quantity": 1 })).await?.expect(200)?;
    assert_eq!(shop.available("tea-01").await?, 13);
    let (_, was_replayed, receipt_again) = received().await?;
    assert_eq!((was_replayed, number(&receipt_again.expect(200)?, "/available")?), (true, 15));
    let (_, was_replayed, order_again) = placed().await?;
    assert_eq!((was_replayed, order_again.expect(201)?), (true, order));
    assert_eq!(shop.available("tea-01").await?, 13);
    let orders = shop_tests::pages::all(&customer.client, "/orders?limit=100").await?.concat();
    assert_eq!((orders.len(), staff.payments().await?.len()), (1, 1));
    shop.stop().await?;
    Ok(())
}
