//! A journal is read by a person: of a running host, of one that is down, and of one that is damaged.

use serde_json::Value;

use super::{SERVICES, refused, said, switchyard};
use crate::apply::host::Host;

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_checked_and_shown_and_its_values_only_when_asked_for() {
    let host = Host::start(SERVICES).await;
    host.write("set key secret-value").await.expect(200);
    host.write("delete key").await.expect(200);
    host.write("back.write{set other secret-value}").await.expect(200);
    // Beside a running host.
    let verified = said(&host.switchyard_plain(&["journal", "verify"]).await);
    assert!(verified.contains("no damage"), "{verified}");
    let folder = host.stop().await;
    let shows = async |line: &[&str]| {
        let line: Vec<_> = ["journal", "show"].iter().chain(line).copied().collect();
        said(&switchyard(folder.path(), &line).await)
    };
    let all = shows(&[]).await;
    for told in ["+ key  12 B\n", "- key\n", "+ other  12 B\n", " front call ", " back call "] {
        assert!(all.contains(told), "{told}: {all}");
    }
    assert!(!all.contains("secret-value"), "{all}");
    assert!(shows(&["--values"]).await.contains("+ key  12 B  \"secret-value\""));
    let back = shows(&["--service", "back", "--json"]).await;
    let lines: Vec<Value> = back.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line["stores"][0]["store"] == "back"), "{back}");
    assert!(!back.contains("secret-value"), "{back}");
    // Before it is the record of the new store.
    let write = lines.iter().find(|line| line.to_string().contains("other")).expect("the write");
    let number = write["number"].to_string();
    let one = shows(&["--from", &number, "--to", &number, "--json", "--values"]).await;
    assert_eq!(one.lines().count(), 1);
    assert!(one.contains(r#""value":"secret-value""#), "{one}");
    assert_eq!(shows(&["--from", "1000000"]).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_named_with_its_file_and_its_place() {
    let host = Host::start(SERVICES).await;
    for value in 0..5 {
        host.write(&format!("set key value-{value}")).await.expect(200);
    }
    let folder = host.stop().await;
    let path = folder.path();
    let segment = path.join("data/journal/00000000000000000001.segment");
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = bytes.windows(7).position(|window| window == b"value-1").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();
    let name = segment.file_name().unwrap().to_str().unwrap();
    let file = segment.to_str().unwrap();
    for line in
        [&["verify"][..], &["show"], &["verify", "--data", "data"], &["verify", file], &["verify", "data/journal"]]
    {
        let line: Vec<_> = ["journal"].iter().chain(line).copied().collect();
        let text = refused(&switchyard(path, &line).await);
        assert!(
            text.contains(name) && text.contains("is damaged at byte") && text.contains("restore"),
            "{line:?}: {text}"
        );
    }
    let nothing = refused(&switchyard(path, &["journal", "verify", "switchyard.toml"]).await);
    assert!(nothing.contains("does not begin as a segment"), "{nothing}");
    let nowhere = refused(&switchyard(path, &["journal", "verify", "--data", "nowhere"]).await);
    assert!(nowhere.contains("cannot read"), "{nowhere}");
}
