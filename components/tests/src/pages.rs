//! Follows the cursors of a list.

use serde_json::Value;

use crate::http::Client;
use crate::json::list;

/// All pages of the list at `path`, which must have a query.
///
/// # Errors
///
/// When the shop refuses, or an answer is not a page.
pub async fn all(client: &Client, path: &str) -> anyhow::Result<Vec<Vec<Value>>> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.ask(&format!("GET {path}{cursor}")).await?.expect(200)?;
        pages.push(list(&page, "/items")?.clone());
        match page.get("nextCursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(pages),
        }
    }
}
