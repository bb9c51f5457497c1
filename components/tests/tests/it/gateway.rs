//! HTTP rules, tested on operations of the shop.

use anyhow::Context as _;
use shop_tests::json::{number, text, without};
use shop_tests::{PASSWORD, Shop, item};

const JSON: (&str, &str) = ("content-type", "application/json");

/// A request line, its headers and its body, and the expected answer.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_not_of_the_contracts_shape_is_refused_where_it_is_wrong() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let key = |length| "k".repeat(length);
    let (longest, too_long) = (key(255), key(256));
    let signs_up = format!(r#"{{"email":"ada@example.com","name":"Ada","password":"{PASSWORD}"}}"#);
    let twice = signs_up.replacen('{', r#"{"email":"eve@example.com","#, 1);
    let unknown = signs_up.replacen('{', r#"{"e-mail":"eve@example.com","#, 1);
    let followed = signs_up.clone() + " {}";
    let deep = "[".repeat(100_000);
    let large = format!(r#"{{"email":"{}"}}"#, "x".repeat(1024 * 1024));
    let quote = r#"{"country":"DE","postalCode":"20457","weightGrams":500}"#;
    let accounts = "POST /accounts";
    let cases: &[Case<'_>] = &[
        (accounts, &[JSON], r#"{"email":"#, "400 /email"),
        (accounts, &[JSON], "email=ada", "400 "),
        (accounts, &[JSON], &followed, "400 "),
        (accounts, &[JSON], &deep, "400 "),
        (accounts, &[JSON], "", "400"),
        (accounts, &[JSON], &twice, "400 /email"),
        (accounts, &[JSON], &unknown, "400 /e-mail"),
        (accounts, &[JSON], &large, "413"),
        (accounts, &[], &signs_up, "415"),
        (accounts, &[("content-type", "text/plain")], &signs_up, "415"),
        (accounts, &[("content-type", "application/x-www-form-urlencoded")], "email=ada", "415"),
        (accounts, &[("content-type", "application/jsonx")], &signs_up, "415"),
        (accounts, &[JSON, ("content-encoding", "gzip")], &signs_up, "415"),
        (accounts, &[JSON, ("accept", "text/html")], &signs_up, "406"),
        (accounts, &[JSON, ("accept", "application/json;q=0")], &signs_up, "406"),
        (accounts, &[JSON, ("idempotency-key", "")], &signs_up, "400 ?Idempotency-Key"),
        (accounts, &[JSON, ("idempotency-key", "two words")], &signs_up, "400 ?Idempotency-Key"),
        (accounts, &[JSON, ("idempotency-key", &too_long)], &signs_up, "400 ?Idempotency-Key"),
        (accounts, &[JSON, ("idempotency-key", "a"), ("idempotency-key", "b")], &signs_up, "400 ?Idempotency-Key"),
        ("POST /accounts?role=staff", &[JSON], &signs_up, "400 ?role"),
        ("POST /shipping/quotes", &[JSON, ("accept", "application/*;q=0.5, text/html")], quote, "200"),
        ("POST /shipping/quotes", &[("content-type", "application/json;charset=UTF-8")], quote, "200"),
        ("POST /carts", &[JSON], "{}", "400"),
        ("POST /carts?currency=EUR", &[], "", "400 ?currency"),
        ("POST /carts", &[("idempotency-key", &longest)], "", "201"),
        ("POST /carts", &[("authorization", "Basic YWRhOmFkYQ==")], "", "401"),
        ("GET /items?limit=1&limit=1", &[], "", "400 ?limit"),
        ("GET /items", &[("accept", "text/html, application/xhtml+xml")], "", "406"),
        ("GET /items/%00", &[], "", "404"),
        ("GET /items/%", &[], "", "400 ?sku"),
        ("GET /carts/..%2F..%2Fitems", &[], "", "404"),
        ("GET /nowhere", &[], "", "404"),
        ("POST /nowhere", &[JSON], "{}", "404"),
        ("GET /cart", &[], "", "404"),
        // The caller is checked before the request.
        ("PUT /items/mug-01", &[], "not JSON", "401"),
    ];
    for (line, headers, body, expected) in cases {
        let answer = shop.client.send_with(line, headers, (*body).to_owned()).await?;
        let short: String = body.chars().take(80).collect();
        assert_eq!(answer.told()?, *expected, "{line} {headers:?} {short}: {}", answer.body);
    }
    // None of these requests opened the account.
    let answer = shop.client.send_with(accounts, &[JSON], signs_up).await?.expect(201)?;
    assert_eq!(text(&answer, "/email")?, "ada@example.com");
    let long = format!("GET /items/{}", "x".repeat(3000));
    assert_eq!(shop.client.ask(&long).await?.told()?, "404");
    let number = serde_json::to_string(&item(7))?.replace(":7,", ":9223372036854775808,");
    let put = shop.staff().await?.client.send_with("PUT /items/mug-01", &[JSON], number).await?;
    assert_eq!(put.told()?, "400 /price/amount");
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_says_which_methods_it_has() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let cases = [
        ("POST /items", "GET, HEAD, OPTIONS"),
        ("DELETE /items/mug-01", "GET, HEAD, PUT, OPTIONS"),
        ("GET /items/mug-01/receipts", "POST, OPTIONS"),
        ("PUT /accounts/acc_1", "GET, HEAD, PATCH, OPTIONS"),
        ("GET /sessions/current", "DELETE, OPTIONS"),
        ("GET /carts/cart_1/lines/mug-01", "PUT, DELETE, OPTIONS"),
        ("PATCH /carts", "POST, OPTIONS"),
        ("POST /orders", "GET, HEAD, OPTIONS"),
    ];
    for (line, allow) in cases {
        let answer = shop.client.ask(line).await?;
        assert_eq!((answer.told()?.as_str(), answer.header("allow")), ("405", Some(allow)), "{line}");
        let (_, path) = line.split_once(' ').expect("a method and a path");
        let answer = shop.client.ask(&format!("OPTIONS {path}")).await?;
        assert_eq!((answer.told()?.as_str(), answer.header("allow")), ("204", Some(allow)), "{path}");
    }
    let answer = shop.client.ask("HEAD /items").await?;
    assert_eq!((answer.status.as_u16(), answer.body.is_null()), (200, true));
    shop.stop().await?;
    Ok(())
}

/// The client checks the headers of both answers against the document.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_an_answer_is_told_so_until_it_changes() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let staff = shop.staff().await?;
    staff.sell("tea-01", 450, 10).await?;
    let first = shop.client.ask("GET /items/tea-01").await?;
    let etag = first.header("etag").context("an answer to a GET has an ETag")?;
    let known = shop.client.send_with("GET /items/tea-01", &[("if-none-match", etag)], "").await?;
    assert_eq!((known.status.as_u16(), known.header("etag")), (304, Some(etag)));
    staff.sell("tea-01", 460, 10).await?;
    let changed = shop.client.send_with("GET /items/tea-01", &[("if-none-match", etag)], "").await?;
    assert_eq!(number(&changed.expect(200)?, "/price/amount")?, 460);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_the_id_of_its_request() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    for line in ["GET /items", "GET /items/mug-01", "POST /carts", "GET /openapi.json", "GET /nowhere", "DELETE /items"]
    {
        let given = shop.client.send_with(line, &[("x-request-id", "order-7")], "").await?;
        assert_eq!(given.header("x-request-id"), Some("order-7"), "{line}");
        let mut made = Vec::new();
        for headers in [&[][..], &[("x-request-id", "two words")], &[("x-request-id", "a"), ("x-request-id", "b")]] {
            let answer = shop.client.send_with(line, headers, "").await?;
            made.push(answer.header("x-request-id").expect("one was made").to_owned());
        }
        made.dedup();
        assert_eq!(made.len(), 3, "{line}: {made:?}");
    }
    // The same request gets the same error, except for the id.
    let one = shop.client.ask("GET /items/mug-01").await?.body;
    let other = shop.client.ask("GET /items/mug-01").await?.body;
    assert_ne!(one, other);
    assert_eq!(without(&one, "/instance"), without(&other, "/instance"));
    shop.stop().await?;
    Ok(())
}

/// The operations that clients can rely on.
const OPERATIONS: [&str; 30] = [
    "POST /accounts",
    "POST /sessions",
    "DELETE /sessions/current",
    "GET /accounts/{id}",
    "PATCH /accounts/{id}",
    "POST /accounts/{id}/addresses",
    "DELETE /accounts/{id}/addresses/{addressId}",
    "POST /accounts/{id}/payment-methods",
    "DELETE /accounts/{id}/payment-methods/{paymentMethodId}",
    "GET /items",
    "GET /items/{sku}",
    "PUT /items/{sku}",
    "POST /items/{sku}/receipts",
    "POST /carts",
    "GET /carts/current",
    "GET /carts/{id}",
    "POST /carts/{id}/quotes",
    "PUT /carts/{id}/lines/{sku}",
    "DELETE /carts/{id}/lines/{sku}",
    "POST /carts/{id}/claim",
    "POST /carts/{id}/checkout",
    "GET /orders",
    "GET /orders/{id}",
    "POST /orders/{id}/cancel",
    "GET /payments",
    "GET /payments/{id}",
    "POST /payments/{id}/refunds",
    "POST /shipping/quotes",
    "GET /shipments/{id}",
    "POST /shipments/{id}/events",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_has_every_operation_and_no_other() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let mut expected = OPERATIONS;
    expected.sort_unstable();
    // Every answer in these tests is checked against the document.
    assert_eq!(shop.client.document().expect("the shop has one").operations(), expected);
    shop.stop().await?;
    Ok(())
}
