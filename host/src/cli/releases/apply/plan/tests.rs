use serde_json::json;

use super::*;

#[test]
fn each_kind_of_change_has_its_mark() {
    let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
    let plan = json!({
        "changes": [
            {"service": "blog", "what": "add", "to": digest("a"), "detail": "mounted at /blog"},
            {"service": "gifts", "what": "remove", "from": digest("b"), "detail": "its store is kept"},
            {"service": "cart", "what": "deploy", "from": digest("b"), "to": digest("c"), "detail": ""},
            {"service": "cart", "what": "settings", "from": "5000", "to": "2000", "detail": "limits.deadline_ms"},
            {"what": "contract", "detail": "shop:cart@1.1.0"},
            {"what": "restart", "from": "127.0.0.1:8080", "to": "0.0.0.0:80", "detail": "host.listen"},
        ],
        "missing": [digest("a"), digest("c")],
    });
    let expected = "\
6 changes
  +  blog   add       → aaaaaaaaaaaa               mounted at /blog
  -  gifts  remove    bbbbbbbbbbbb →               its store is kept
  ~  cart   deploy    bbbbbbbbbbbb → cccccccccccc
  ~  cart   settings  5000 → 2000                  limits.deadline_ms
  ~  -      contract  -                            shop:cart@1.1.0
  !  -      restart   127.0.0.1:8080 → 0.0.0.0:80  host.listen
2 components to upload
changes marked with ! take effect at the next start of the host";
    assert_eq!(text(&serde_json::from_value(plan).expect("a plan")), expected);
}

#[test]
fn a_host_that_starts_with_another_manifest_is_warned_of() {
    let check = |agrees: bool, expected: &str| {
        let plan = json!({"changes": [], "manifestFile": {"path": "/srv/switchyard.toml", "agrees": agrees}});
        assert_eq!(text(&serde_json::from_value(plan).expect("a plan")), expected);
    };
    let nothing = "nothing to do: the host matches the manifest";
    check(true, nothing);
    let warning = "warning: /srv/switchyard.toml on the host says something else
the host uses the applied settings; update that file, so that it is not applied by mistake";
    check(false, &format!("{nothing}\n{warning}"));
}
