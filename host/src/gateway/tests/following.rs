//! What a node that follows answers itself, and what the leader has to answer.

use super::rig::Rig;

#[tokio::test]
async fn a_node_that_follows_answers_what_it_knows_and_leaves_the_rest_to_the_leader() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("page.html"), "hello").expect("a file");
    let rig = Rig::following(|settings| settings.assets = Some(folder.path().to_owned())).await;
    let json = "Content-Type: application/json\r\n";
    for (line, headers, body, status, says) in [
        ("GET /notes/a", "", "", 200, None),
        ("GET /page.html", "", "", 200, Some("hello")),
        ("GET /openapi.json", "", "", 200, None),
        ("OPTIONS /notes/a", "", "", 204, Some("")),
        ("GET /raw/x", "", "", 200, Some("web /raw/x ")),
        // It is refused before anything runs.
        ("DELETE /notes/a", json, "", 421, Some("Writes")),
        ("POST /notes", json, "{\"text\": \"a\"}", 421, Some("Writes")),
        ("POST /raw/x", "", "text", 421, Some("Writes")),
        ("GET /raw/x", "", "text", 421, Some("Stores")),
        // The leader may know more than this node.
        ("GET /new", "", "", 421, Some("Nothing")),
        ("HEAD /new", "", "", 421, Some("")),
        ("OPTIONS /new", "", "", 421, Some("Writes")),
        ("POST /new", "", "text", 421, Some("Writes")),
        ("PUT /notes/a", "", "text", 421, Some("Writes")),
        ("POST /page.html", "", "text", 421, Some("Writes")),
    ] {
        let answered = rig.ask(line, headers, body.as_bytes()).await;
        assert_eq!(answered.status, status, "{line}: {}", answered.text());
        assert!(says.is_none_or(|says| says == answered.text()), "{line}: {}", answered.text());
    }
}
