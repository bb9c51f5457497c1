//! Signing in and out.

use std::time::Duration;

use serde_json::{Value, json};
use shop_tests::json::{members, text, time, without};
use shop_tests::{Answer, Client, Customer, PASSWORD, Shop, sign_in};

async fn attempt(client: &Client, email: &str, password: &str) -> anyhow::Result<Answer> {
    client.send("POST /sessions", &json!({ "email": email, "password": password })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_lasts_until_it_is_ended_and_then_is_dead_at_once() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let session = attempt(&shop.client, "ADA@example.COM", PASSWORD).await?.expect(201)?;
    assert_eq!(members(&session), "token accountId expiresAt");
    assert_eq!(session["accountId"], json!(ada.id));
    let account = format!("GET /accounts/{}", ada.id);
    let account_opened = time(&ada.client.ask(&account).await?.expect(200)?, "/createdAt")?;
    assert!(time(&session, "/expiresAt")? > account_opened);
    let token = text(&session, "/token")?;
    assert!(token.len() >= 43, "256 bits in base64");

    let second = shop.client.with_token(&token);
    second.ask(&account).await?.expect(200)?;
    let ended = second.ask("DELETE /sessions/current").await?;
    assert_eq!((ended.told()?.as_str(), &ended.body), ("204", &Value::Null));
    let mut tampered = token.clone();
    let last = tampered.pop();
    tampered.push(if last == Some('A') { 'B' } else { 'A' });
    for bad in [token.as_str(), &tampered, "x", "a b", &"x".repeat(5000)] {
        let client = shop.client.with_token(bad);
        // Also where no token is required: the sender expects that the token is used.
        for line in [account.as_str(), "DELETE /sessions/current", "GET /items", "POST /carts"] {
            let answer = client.ask(line).await?;
            assert_eq!(answer.told()?, "401", "{line} {bad}");
            assert!(answer.header("www-authenticate").is_some_and(|way| way.starts_with("Bearer")), "{line}");
        }
    }
    ada.client.ask(&account).await?.expect(200)?;

    // A new password ends every other session.
    let third = sign_in(&shop.client, &ada.email).await?;
    let new = json!({ "password": "another password, long enough" });
    third.send(&format!("PATCH /accounts/{}", ada.id), &new).await?.expect(200)?;
    assert_eq!(ada.client.ask(&account).await?.told()?, "401");
    third.ask(&account).await?.expect(200)?;
    assert_eq!(attempt(&shop.client, &ada.email, PASSWORD).await?.told()?, "401");
    attempt(&shop.client, &ada.email, "another password, long enough").await?.expect(201)?;
    shop.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_sign_ins_are_slowed_whether_the_account_exists_or_not() -> anyhow::Result<()> {
    let shop = Shop::start().await?;
    let cases = [
        (json!({ "email": "ada@example.com" }), "400 /password"),
        (json!({ "email": "ada", "password": PASSWORD }), "422 /email"),
        (json!({ "email": "ada@example.com", "password": "x".repeat(257) }), "422 /password"),
    ];
    for (body, expected) in cases {
        assert_eq!(shop.client.send("POST /sessions", &body).await?.told()?, expected, "{body}");
    }
    let details = json!({ "email": "ada@example.com", "name": "Ada", "password": PASSWORD });
    shop.client.send("POST /accounts", &details).await?.expect(201)?;
    let mut refusals = Vec::new();
    let mut wait_s = 0;
    for email in ["nobody@example.com", "ada@example.com"] {
        let first = attempt(&shop.client, email, "a wrong password").await?;
        assert_eq!(first.told()?, "401", "{email}");
        for _ in 2..=5 {
            assert_eq!(attempt(&shop.client, email, "a wrong password").await?.told()?, "401", "{email}");
        }
        // On a busy machine a short wait may have passed already; each further failure doubles it.
        let slowed = loop {
            let answer = attempt(&shop.client, email, "a wrong password").await?;
            match answer.told()?.as_str() {
                "401" => {}
                "429" => break answer,
                _ => anyhow::bail!("{answer:?}"),
            }
        };
        wait_s = slowed.body["retryAfterSeconds"].as_u64().expect("how long to wait");
        assert_eq!(slowed.header("retry-after"), Some(wait_s.to_string().as_str()));
        let body = without(&without(&slowed.body, "/instance"), "/retryAfterSeconds");
        refusals.push((without(&first.body, "/instance"), body));
    }
    assert_eq!(refusals[0], refusals[1], "nobody learns whether there is an account");
    // The right password is accepted when the wait is over, and resets the count.
    tokio::time::sleep(Duration::from_secs(wait_s)).await;
    attempt(&shop.client, "ada@example.com", PASSWORD).await?.expect(201)?;
    assert_eq!(attempt(&shop.client, "ada@example.com", "a wrong password").await?.told()?, "401");
    attempt(&shop.client, "ada@example.com", PASSWORD).await?.expect(201)?;
    shop.stop().await?;
    Ok(())
}
