//! Rehearsals of the shop's services: what a deploy finds out on the live data before anything changes.

use serde_json::{Value, json};
use shop_tests::json::text;
use shop_tests::{Customer, Shop, workspace};

fn component(name: &str) -> anyhow::Result<Vec<u8>> {
    Ok(std::fs::read(workspace().join(format!("target/wasm32-wasip2/release/{name}.wasm")))?)
}

/// `component` with `to` in place of every `from` in it, which are as long as each other.
fn patched(mut component: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    let places = component.windows(from.len()).enumerate().filter(|(_, window)| *window == from.as_bytes());
    let places: Vec<_> = places.map(|(place, _)| place).collect();
    assert!(!places.is_empty() && from.len() == to.len(), "{from}");
    for place in places {
        component[place..place + to.len()].copy_from_slice(to.as_bytes());
    }
    component
}

/// The accidents that a deploy of a foreign inventory once caused: each is refused, and the live release serves on.
#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_that_does_not_read_the_data_is_refused() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("tea-01", 999, 10).await?;
    assert_eq!(shop.available("tea-01").await?, 10);
    shop.client.ask("GET /items?limit=5").await?.expect(200)?;
    let refused = async |query: &str, component: Vec<u8>, words: &[&str]| {
        let answer = shop.deploy("inventory", query, component).await?;
        let body = answer.body.to_string();
        assert_eq!(answer.status, 422, "{body}");
        words.iter().for_each(|word| assert!(body.contains(word), "{word}: {body}"));
        assert_eq!(shop.available("tea-01").await?, 10);
        anyhow::Ok(())
    };
    // It has a layout of its own, and says so. Although the operator vouches for it, it does not find the items.
    let foreign = || component("alternative_inventory");
    refused("", foreign()?, &["needs a handover"]).await?;
    refused("?dataCompatible=true", foreign()?, &["does not read the data", "--answers-may-differ"]).await?;
    // It claims the format, and skips what lies under other keys than its own.
    let skips = patched(component("inventory")?, "item/", "ITEM/");
    refused("", skips, &["recent calls of get-item", "does not read the data"]).await?;
    // The same component passes, and its answers are compared.
    let same = shop.deploy("inventory", "?dryRun=true", component("inventory")?).await?.expect(200)?;
    let detail = same["verdict"]["text"].as_str().unwrap_or_default();
    assert!(detail.contains("all with the same answer"), "{detail}");
    shop.stop().await?;
    Ok(())
}

/// It makes ids and tracking numbers of its own, which the contract marks as opaque.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_schedule_is_equal_in_shadow() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("tea-01", 999, 10).await?;
    let query = "?shadow=100&dataCompatible=true&answersMayDiffer=true";
    shop.deploy("shipping", query, component("alternative_shipping")?).await?.expect(201)?;
    let customer = Customer::sign_up(&shop.client, "anna", "tok_ok").await?;
    let order = customer.buy(&[("tea-01", 2)]).await?;
    assert!(!text(&order, "/shipment/trackingNumber")?.is_empty());
    let mut report = Value::Null;
    for _ in 0..200 {
        report = shop.ask_operator("GET /services/shipping").await?["candidate"]["shadow"].clone();
        if report["functions"].as_array().is_some_and(|known| known.iter().any(|one| one["function"] == "schedule")) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let functions = report["functions"].as_array().cloned().unwrap_or_default();
    let schedule = functions.iter().find(|counted| counted["function"] == "schedule");
    assert_eq!(schedule, Some(&json!({ "function": "schedule", "equal": 1, "different": 0 })), "{report:#}");
    shop.change("POST /services/shipping/promote").await?.expect(200)?;
    shop.stop().await?;
    Ok(())
}

/// What every component of the shop makes of the calls that a verdict tries.
#[tokio::test(flavor = "multi_thread")]
async fn the_components_of_the_shop_answer_every_call_of_a_verdict() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    for service in ["account", "inventory", "cart", "payment", "shipping"] {
        let answer = shop.deploy(service, "?dryRun=true", component(service)?).await?.expect(200)?;
        let verdict = &answer["verdict"];
        assert_eq!(verdict["warnings"], json!([]), "{service}: {verdict:#}");
        let failed = |function: &Value| function["result"] == "failed";
        let functions = verdict["functions"].as_array().cloned().unwrap_or_default();
        assert!(!functions.is_empty() && !functions.iter().any(failed), "{service}: {functions:#?}");
    }
    shop.stop().await?;
    Ok(())
}
