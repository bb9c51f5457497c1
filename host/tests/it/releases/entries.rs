//! Entries of a store that an operator reads and repairs by hand.

use serde_json::{Value, json};

use super::Rig;
use super::http::{Answer, encoded};

impl Rig {
    async fn entry(&self, key: &str) -> Answer {
        self.operator.get(&format!("/services/front/entry?key={}", encoded(key))).await
    }

    async fn set(&self, key: &str, options: &str, value: impl Into<bytes::Bytes>) -> Answer {
        let path = format!("/services/front/entry?key={}{options}", encoded(key));
        self.operator.send("PUT", &path, value).await
    }

    async fn delete(&self, key: &str, options: &str) -> Answer {
        let path = format!("/services/front/entry?key={}{options}", encoded(key));
        self.operator.send("DELETE", &path, "").await
    }

    /// The keys of the entries that `query` selects.
    async fn keys(&self, query: &str) -> Vec<String> {
        let page = self.operator.get(&format!("/services/front/entries{query}")).await.expect(200);
        page["items"].as_array().unwrap().iter().map(|entry| entry["key"].as_str().unwrap().into()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_changed_by_hand_counts_for_calls_and_after_a_restart() {
    let rig = Rig::pair("").await;
    rig.act("set form two; add count").await;
    let found = rig.entry("form").await.expect(200);
    assert_eq!((&found["bytes"], &found["text"]), (&json!(3), &json!("two")));
    let edited = rig.set("form", "&reason=by%20support", "three").await.expect(200);
    assert_eq!((&edited["before"]["digest"], &edited["after"]["bytes"]), (&found["digest"], &json!(5)));
    assert_eq!(rig.look("get form").await, "three");
    rig.set("odd key/\u{7}é", "", vec![0_u8, 255]).await.expect(200);
    assert_eq!(rig.entry("odd key/\u{7}é").await.expect(200)["hex"], "00ff");
    let deleted = rig.delete("count", "").await.expect(200);
    assert_eq!(deleted.get("after"), None);
    assert_eq!(rig.act("add count").await, "1");

    let lines = rig.history().await;
    let told: Vec<_> = lines.iter().filter(|line| line["service"] == "front").map(|line| &line["what"]).collect();
    assert_eq!(told, ["add", "setEntry", "setEntry", "deleteEntry"]);
    let set = lines.iter().find(|line| line["what"] == "setEntry").unwrap();
    assert_eq!((&set["who"], &set["reason"]), (&json!("admin"), &json!("the entry \"form\": by support")));
    assert!(!Value::from(lines).to_string().contains("three"), "the history has a value");

    let rig = rig.restart().await;
    assert_eq!(rig.look("get form").await, "three");
    assert_eq!(rig.entry("odd key/\u{7}é").await.expect(200)["hex"], "00ff");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_does_not_find_what_it_expects_changes_nothing() {
    let rig = Rig::pair("").await;
    rig.act("set form two").await;
    let digest = rig.entry("form").await.expect(200)["digest"].as_str().unwrap().replace(':', "%3A");
    rig.set("form", "&ifDigest=none", "x").await.expect(409);
    rig.set("form", &format!("&ifDigest={digest}"), "three").await.expect(200);
    let refused = rig.delete("form", &format!("&ifDigest={digest}")).await;
    assert!(refused.detail().contains("is not as expected: its value has the digest sha256:"), "{refused:?}");
    refused.expect(409);
    rig.set("new", "&ifDigest=none", "x").await.expect(200);
    assert_eq!(rig.look("get form; get new").await, "three,x");
    for wrong in ["&ifDigest=", "&ifDigest=sha256:12", "&force=true"] {
        rig.set("form", wrong, "x").await.expect(400);
    }
    let lines = rig.history().await;
    assert_eq!(lines.iter().filter(|line| line["what"] == "setEntry").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_entries_of_the_component_can_be_reached_and_only_within_the_limits_of_its_store() {
    let rig = Rig::pair("limits.store_bytes_max = 1_500_000").await;
    // The keys are kept with answers and memos in system tables of the same store.
    for key in ["k1", "k2"] {
        let client = rig.public.with_header("idempotency-key", key);
        client.post_json("/front", &json!(format!("set a/{key} 1; back.write{{add n}}"))).await.expect(200);
    }
    rig.act("set b 1").await;
    assert_eq!(rig.keys("").await, ["a/k1", "a/k2", "b"]);
    assert_eq!(rig.keys("?prefix=a%2F&limit=1").await, ["a/k1"]);
    assert_eq!(rig.keys("?prefix=a%2F&after=a%2Fk1").await, ["a/k2"]);
    let page = rig.operator.get("/services/front/entries?limit=2").await.expect(200);
    assert_eq!(page["nextAfter"], "a/k2");
    rig.operator.get("/services/front/entries?prefix=a%2F&after=b").await.expect(400);

    for key in ["nothing", "cb", "s", "\u{0}"] {
        rig.entry(key).await.expect(404);
        rig.delete(key, "").await.expect(404);
    }
    rig.entry("").await.expect(400);
    rig.set(&"k".repeat(1_025), "", "x").await.expect(400);
    rig.operator.get("/services/front/entry").await.expect(400);
    rig.operator.get("/services/nobody/entry?key=b").await.expect(404);
    rig.operator.get("/services/nobody/entries").await.expect(404);
    rig.operator.send("POST", "/services/front/entry?key=b", "x").await.expect(405);
    rig.set("b", "", vec![7; (1 << 20) + 1]).await.expect(413);
    rig.set("c", "", vec![7; 1 << 20]).await.expect(200);
    let full = rig.set("d", "", vec![7; 1 << 20]).await;
    assert!(full.detail().contains("may hold 1500000 bytes"), "{full:?}");
    full.expect(409);
    assert_eq!(rig.keys("").await, ["a/k1", "a/k2", "b", "c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_by_hand_loses_no_change_of_a_call() {
    let rig = Rig::pair("").await;
    let calls = async {
        for _ in 0..100 {
            rig.act("add count").await;
        }
    };
    let edits = async {
        let mut edits = 0;
        for _ in 0..100 {
            let now = rig.entry("count").await;
            if now.status == 404 {
                continue;
            }
            let now = now.expect(200);
            let digest = now["digest"].as_str().unwrap().replace(':', "%3A");
            let next = now["text"].as_str().unwrap().parse::<u32>().unwrap() + 1_000;
            match rig.set("count", &format!("&ifDigest={digest}"), next.to_string()).await.status {
                200 => edits += 1,
                status => assert_eq!(status, 409),
            }
        }
        edits
    };
    let ((), edits) = tokio::join!(calls, edits);
    assert!(edits > 0, "no change was made");
    assert_eq!(rig.look("get count").await, (100 + edits * 1_000).to_string());
}
