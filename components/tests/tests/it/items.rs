//! Items on sale: adding them, their stock, and the list.

use serde_json::{Value, json};
use shop_tests::json::{list, members, text, with, without};
use shop_tests::{Client, Shop, item, pages};

/// The SKUs of one page or several.
fn skus<'a>(items: impl IntoIterator<Item = &'a Value>) -> anyhow::Result<String> {
    let skus: anyhow::Result<Vec<String>> = items.into_iter().map(|item| text(item, "/sku")).collect();
    Ok(skus?.join(" "))
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_put_items_on_sale_and_stock_arrives() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?.client;
    let valid = item(1250);
    let line = "PUT /items/mug-01";
    let put = staff.send(line, &valid).await?.expect(200)?;
    assert_eq!(members(&put), "sku title description category price image available");
    assert_eq!((&put["price"], &put["available"]), (&json!({ "amount": 1250, "currency": "EUR" }), &json!(0)));
    let long = "x".repeat(5000);
    let cases = [
        (line, with(&valid, "/price/amount", 0), "200"),
        (line, with(&valid, "/price/currency", "JPY"), "200"),
        (line, with(&valid, "/image", "https://img.example/mug.svg"), "200"),
        (line, with(&valid, "/description", ""), "200"),
        (line, with(&valid, "/price/amount", -1), "422 /price/amount"),
        (line, with(&valid, "/price/currency", "EUX"), "422 /price/currency"),
        (line, with(&valid, "/price/currency", "eur"), "422 /price/currency"),
        (line, with(&valid, "/title", ""), "422 /title"),
        (line, with(&with(&valid, "/title", long.as_str()), "/image", "javascript:alert(1)"), "422 /title /image"),
        (line, with(&valid, "/category", "two\nlines"), "422 /category"),
        (line, with(&valid, "/weightGrams", 1_000_001), "422 /weightGrams"),
        (line, with(&valid, "/price/amount", 1.5), "400 /price/amount"),
        (line, with(&valid, "/price", 12), "400 /price"),
        (line, with(&valid, "/weightGrams", -1), "400 /weightGrams"),
        (line, with(&valid, "/price/currencyCode", "EUR"), "400 /price/currencyCode"),
        (line, without(&valid, "/price/currency"), "400 /price/currency"),
        (line, without(&valid, "/image"), "400 /image"),
        ("PUT /items/-mug", valid.clone(), "422 ?sku"),
        ("PUT /items/a%2Fb", valid.clone(), "422 ?sku"),
        ("PUT /items/mug%ff", valid.clone(), "400 ?sku"),
        ("POST /items/mug-01/receipts", json!({ "quantity": 3 }), "200"),
        ("POST /items/mug-01/receipts", json!({ "quantity": 1_000_000 }), "200"),
        ("POST /items/mug-01/receipts", json!({ "quantity": 0 }), "422 /quantity"),
        ("POST /items/mug-01/receipts", json!({ "quantity": 1_000_001 }), "422 /quantity"),
        ("POST /items/mug-01/receipts", json!({ "quantity": "many" }), "400 /quantity"),
        ("POST /items/mug-02/receipts", json!({ "quantity": 1 }), "404"),
    ];
    for (line, body, expected) in cases {
        assert_eq!(staff.send(line, &body).await?.told()?, expected, "{line} {body}");
    }
    assert_eq!(shop.client.ask("GET /items/mug-02").await?.told()?, "404");
    // Changing an item leaves its stock unchanged; repeating the change has no more effect.
    for _ in 0..2 {
        let put = staff.send(line, &valid).await?.expect(200)?;
        assert_eq!(put["available"], 1_000_003);
        assert_eq!(shop.client.ask("GET /items/mug-01").await?.expect(200)?, put);
    }
    shop.stop().await?;
    Ok(())
}

/// 25 items: every fifth is in the garden category, every tenth is blue.
async fn fill(staff: &Client) -> anyhow::Result<()> {
    for number in 0..25 {
        let category = if number % 5 == 0 { "garden & home" } else { "kitchen" };
        let title = if number % 10 == 0 { "A blue thing" } else { "A thing" };
        let details = with(&with(&item(100 + number), "/category", category), "/title", title);
        staff.send(&format!("PUT /items/sku-{number:02}"), &details).await?.expect(200)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_items_is_paged_and_filtered() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    fill(&shop.staff().await?.client).await?;
    let garden = "sku-00 sku-05 sku-10 sku-15 sku-20";
    let blue = "sku-00 sku-10 sku-20";
    let all = (0..25).map(|number| format!("sku-{number:02}")).collect::<Vec<_>>().join(" ");
    let cases = [
        ("/items?", all.as_str(), 2),
        ("/items?limit=100", &all, 1),
        ("/items?limit=25", &all, 1),
        ("/items?limit=10", &all, 3),
        ("/items?limit=1", &all, 25),
        ("/items?category=garden+%26%20home", garden, 1),
        ("/items?category=garden+%26%20home&limit=2", garden, 3),
        ("/items?query=BLUE", blue, 1),
        ("/items?query=thing+blue&limit=2", blue, 2),
        ("/items?query=blue&category=kitchen", "", 1),
        ("/items?category=Kitchen", "", 1),
        ("/items?query=", &all, 2),
    ];
    for (path, expected, pages_expected) in cases {
        let pages = pages::all(&shop.client, path).await?;
        assert_eq!(skus(pages.iter().flatten())?, expected, "{path}");
        assert_eq!(pages.len(), pages_expected, "{path}");
    }
    assert_eq!(list(&shop.client.ask("GET /items").await?.expect(200)?, "/items")?.len(), 20, "the default");

    let page = shop.client.ask("GET /items?limit=2").await?.expect(200)?;
    assert_eq!(members(&page), "items nextCursor");
    let cursor = text(&page, "/nextCursor")?;
    // The cursor works with another page size, but not in another list, and not after an edit.
    let next = shop.client.ask(&format!("GET /items?cursor={cursor}&limit=1")).await?.expect(200)?;
    assert_eq!(skus(list(&next, "/items")?)?, "sku-02");
    let long = "x".repeat(201);
    let cases = [
        ("limit=0".to_owned(), "400 ?limit"),
        ("limit=101".to_owned(), "400 ?limit"),
        ("limit=-1".to_owned(), "400 ?limit"),
        ("limit=ten".to_owned(), "400 ?limit"),
        ("limit=".to_owned(), "400 ?limit"),
        ("limit=1&limit=2".to_owned(), "400 ?limit"),
        (format!("cursor={cursor}&category=kitchen"), "400 ?cursor"),
        (format!("cursor={cursor}&query=blue"), "400 ?cursor"),
        (format!("cursor={}", &cursor[1..]), "400 ?cursor"),
        (format!("cursor={cursor}A"), "400 ?cursor"),
        ("cursor=".to_owned(), "400 ?cursor"),
        ("cursor=%00".to_owned(), "400 ?cursor"),
        (format!("query={long}"), "400 ?query"),
        ("query=%zz".to_owned(), "400 ?query"),
        ("Limit=1".to_owned(), "400 ?Limit"),
        ("page=2&limit=0x".to_owned(), "400 ?page ?limit"),
    ];
    for (query, expected) in cases {
        let answer = shop.client.ask(&format!("GET /items?{query}")).await?;
        assert_eq!(answer.told()?, expected, "{query}");
    }
    shop.stop().await?;
    Ok(())
}
