//! Tokens: what each role may do, who the history names, and where a token is never found.

use std::path::Path;

use serde_json::{Value, json};

use super::Rig;
use super::components::says;
use super::http::Client;

impl Rig {
    /// Makes a token; gives a client that holds it, and the token.
    pub(super) async fn token(&self, name: &str, role: &str, services: &[&str]) -> (Client, String) {
        let wanted = json!({ "name": name, "role": role, "services": services });
        let made = self.operator.post_json("/tokens", &wanted).await.expect(201);
        assert_eq!(
            (&made["name"], &made["role"], &made["services"]),
            (&wanted["name"], &wanted["role"], &wanted["services"])
        );
        let token = made["token"].as_str().unwrap().to_owned();
        (self.operator.with_token(&token), token)
    }
}

/// What is asked, and the answers to a viewer, to a deployer of `front`, and to an admin.
const ASKED: [(&str, &str, [u16; 3]); 20] = [
    ("GET", "/services", [200, 200, 200]),
    ("GET", "/services/back", [200, 200, 200]),
    ("GET", "/history", [200, 200, 200]),
    ("POST", "/services/front/releases?dryRun=true", [403, 200, 200]),
    ("POST", "/services/back/releases?dryRun=true", [403, 403, 200]),
    ("POST", "/services/front/promote", [403, 409, 409]),
    ("POST", "/services/back/promote", [403, 403, 409]),
    ("POST", "/services/front/abort", [403, 409, 409]),
    ("POST", "/services/back/abort", [403, 403, 409]),
    ("POST", "/services/front/rollback", [403, 409, 409]),
    ("POST", "/services/back/rollback", [403, 403, 409]),
    ("PUT", "/components", [403, 200, 200]),
    ("GET", "/services/front/entries", [403, 403, 200]),
    ("GET", "/services/front/entry?key=a", [403, 403, 404]),
    ("PUT", "/services/front/entry?key=a&ifDigest=wrong", [403, 403, 400]),
    ("DELETE", "/services/front/entry?key=b", [403, 403, 404]),
    ("POST", "/services/front/call/read", [403, 400, 400]),
    ("GET", "/tokens", [403, 403, 200]),
    ("POST", "/tokens", [403, 403, 400]),
    ("DELETE", "/tokens/nobody", [403, 403, 404]),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_role_does_what_it_may_and_nothing_else() {
    let rig = Rig::pair("").await;
    let clients = [
        rig.token("watcher", "viewer", &[]).await.0,
        rig.token("front-ci", "deployer", &["front"]).await.0,
        rig.token("boss", "admin", &[]).await.0,
    ];
    for (method, path, due) in ASKED {
        for (client, status) in clients.iter().zip(due) {
            let answer = client.send(method, path, says("2")).await;
            assert_eq!(answer.status, status, "{method} {path}: {:#}", answer.body);
        }
    }
    let set = json!({ "set": {
        "front": { "digest": super::components::digest(&says("1")) },
        "back": { "digest": super::components::digest(&says("1")) },
    } });
    for (client, status) in clients.iter().zip([403, 403, 200]) {
        assert_eq!(client.post_json("/releases", &set).await.status, status);
    }
    // A grant reaches beyond the service: into the network of the host.
    let grants = ["?dryRun=true&grant=127.0.0.1:1", "?grant=127.0.0.1:1"];
    for query in grants {
        assert_eq!(
            clients[1].post(&format!("/services/front/releases{query}"), says("2")).await.status,
            403,
            "{query}"
        );
    }
    assert_eq!(clients[2].post(&format!("/services/front/releases{}", grants[0]), says("2")).await.status, 200);
    let granting = json!({ "set": { "front": set["set"]["front"] }, "grants": ["127.0.0.1:1"] });
    assert_eq!(clients[1].post_json("/releases", &granting).await.status, 403);
    for stranger in ["", "x", "Bearer", &"0".repeat(64)] {
        assert_eq!(rig.operator.with_token(stranger).get("/services").await.status, 401, "{stranger:?}");
    }
    assert_eq!(rig.told("front").await.len() + rig.told("back").await.len(), 0);
    // A deployer of no service in particular deploys all of them.
    let (everywhere, _) = rig.token("ci", "deployer", &[]).await;
    everywhere.post("/services/back/releases", says("2")).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_says_who_and_a_revoked_token_is_worth_nothing() {
    let rig = Rig::pair("").await;
    let (client, _) = rig.token("front-ci", "deployer", &["front"]).await;
    let again = json!({ "name": "front-ci", "role": "admin" });
    assert_eq!(rig.operator.post_json("/tokens", &again).await.status, 409);
    for bad in ["admin", "host", "Front", "", "a b"] {
        let answer = rig.operator.post_json("/tokens", &json!({ "name": bad, "role": "viewer" })).await;
        assert_eq!(answer.status, 409, "{bad:?}");
    }
    assert_eq!(rig.operator.post_json("/tokens", &json!({ "name": "x", "role": "king" })).await.status, 400);
    client.post("/services/front/releases", says("2")).await.expect(201);
    client.post("/services/front/releases?weight=5", says("3")).await.expect(201);
    client.post("/services/front/abort", "").await.expect(200);
    client.post("/services/front/rollback", "").await.expect(200);
    client.post("/services/front/releases", "rubbish").await.expect(422);
    assert_eq!(rig.service("front").await["live"]["by"], "host");

    let rig = rig.restart().await;
    let client = rig.operator.with_token(&client.token());
    client.get("/services").await.expect(200);
    let listed = rig.operator.get("/tokens").await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert!(listed["items"][0].get("token").is_none() && listed["items"][0].get("hash").is_none(), "{listed:#}");
    rig.operator.send("DELETE", "/tokens/front-ci", "").await.expect(204);
    assert_eq!(client.get("/services").await.status, 401);
    assert_eq!(rig.operator.send("DELETE", "/tokens/front-ci", "").await.status, 404);
    let lines = rig.history().await;
    let said = lines.iter().map(|line| {
        let text = |member: &Value| member.as_str().unwrap().to_owned();
        format!("{} {}", text(&line["who"]), text(&line["what"]))
    });
    let said: Vec<_> = said.filter(|line| line != "host add").collect();
    let did = ["deploy", "candidate", "abort", "rollback", "refused"].map(|what| format!("front-ci {what}"));
    assert_eq!(said[0], "admin token");
    assert_eq!(said[1..6], did);
    assert_eq!(said[6..], ["admin token"]);
    let rig = rig.restart().await;
    assert_eq!(rig.operator.with_token(&client.token()).get("/services").await.status, 401);
}

/// The files below `folder` that have `needle` in them.
fn with(folder: &Path, needle: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(with(&path, needle));
        } else if path.is_file() && std::fs::read(&path).unwrap().windows(needle.len()).any(|window| window == needle) {
            found.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_of_the_host_has_a_named_token_in_it() {
    let rig = Rig::pair("").await;
    let (client, token) = rig.token("front-ci", "deployer", &[]).await;
    client.post("/services/front/releases?reason=x", says("2")).await.expect(201);
    let admin = rig.operator.token();
    let setup = rig.stop().await;
    let found = with(&setup.path("data"), b"front-ci");
    assert!(found.contains(&"@platform.redb".to_owned()), "else nothing was looked at: {found:?}");
    assert!(with(&setup.path("data"), token.as_bytes()).is_empty());
    assert_eq!(with(&setup.path("data"), admin.as_bytes()), ["admin-token"]);
}
