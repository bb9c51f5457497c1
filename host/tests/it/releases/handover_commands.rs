//! Handovers as an operator makes them with the program: what it prints, and with which exit code it ends.

use std::process::Output;

use serde_json::Value;

use super::components::{digest, shelf};
use super::handovers::{host, notes};
use super::{Rig, until};
use crate::command_line::switchyard;

/// The end of a command.
struct Ended {
    code: Option<i32>,
    printed: String,
    error: String,
}

impl Ended {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), printed: text(&output.stdout), error: text(&output.stderr) }
    }

    /// Checks the exit code, and that each of `words` is in what the command says.
    #[track_caller]
    fn says(&self, code: i32, words: &[&str]) {
        let Self { printed, error, .. } = self;
        assert_eq!(self.code, Some(code), "{printed}\n{error}");
        words
            .iter()
            .for_each(|word| assert!(printed.contains(word) || error.contains(word), "{word}: {printed}\n{error}"));
    }

    /// The JSON that it printed.
    #[track_caller]
    fn json(&self, code: i32) -> Value {
        self.says(code, &[]);
        serde_json::from_str(&self.printed).unwrap_or_else(|error| panic!("{error}: {}", self.printed))
    }
}

impl Rig {
    /// Runs the program with `line` in the host's folder.
    async fn run(&self, line: &str) -> Ended {
        let address = format!("http://{}", self.host.admin_address());
        let words: Vec<_> = line.split(' ').chain(["--admin", &address]).collect();
        Ended::of(&switchyard(self.setup.folder.path(), &words, None).await)
    }

    /// Has a variant of the shelf in the file `name`.
    fn file(&self, name: &str, text: &str) {
        std::fs::write(self.setup.path(name), shelf(text)).unwrap();
    }

    /// A host with 200 notes, and the files of another implementation and of a wrong one.
    async fn with_files() -> Self {
        let rig = host("layout=a").await;
        rig.fill("note", 200).await;
        rig.file("b.wasm", "layout=b");
        rig.file("drops.wasm", "layout=b|import=drops");
        rig
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_a_handover_is_printed_and_nothing_begins() {
    let rig = Rig::with_files().await;
    let own = rig.live().await;
    rig.run("deploy shelf b.wasm").await.says(1, &["needs a handover", "--handover"]);
    let plan = ["handover: 64 entities moved on a snapshot", "will be copied to the format shelf-b", "250 ms at most"];
    let printed = rig.run("deploy shelf b.wasm --handover --dry-run").await;
    printed.says(0, &plan);
    printed.says(0, &["nothing is deployed: this was a dry run"]);
    let verdict = rig.run("deploy shelf b.wasm --handover --dry-run --json").await.json(0)["verdict"].clone();
    assert!(plan.iter().all(|word| verdict["text"].as_str().unwrap().contains(word)), "{verdict:#}");
    assert!(verdict["timings"]["handoverTrialMs"].is_u64(), "{verdict:#}");
    // One that does not pass the trial is refused in a dry run too, with the field.
    rig.put("a", "tea, 1299 EUR").await;
    let refused = rig.run("deploy shelf drops.wasm --handover --dry-run").await;
    refused.says(1, &["\"a\" is not the same after its import: /note/price is nothing"]);
    rig.run("deploy shelf b.wasm --handover --dry-run --wait").await.says(2, &["--wait"]);
    assert_eq!((rig.live().await, rig.service("shelf").await.get("mirror")), (own, None));
    assert!(rig.told("shelf").await.iter().all(|what| what == "refused"), "{:?}", rig.told("shelf").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_waits_for_its_handover_and_a_rollback_and_a_settle_end_it() {
    let rig = Rig::with_files().await;
    let (own, other) = (rig.live().await, digest(&shelf("layout=b")));
    rig.run("settle shelf").await.says(1, &["has no handover", "switchyard deploy shelf FILE --handover"]);
    rig.run("deploy shelf b.wasm --handover --reason layout").await.says(0, &[&format!("shelf runs {other}")]);
    assert_eq!(rig.live().await, other);
    rig.run("deploy shelf b.wasm --handover").await.says(0, &["nothing changed"]);
    rig.file("c.wasm", "layout=c");
    rig.run("deploy shelf c.wasm --handover").await.says(1, &["not settled", "switchyard settle shelf"]);
    rig.put("note000001", "since").await;
    // A rollback waits for the way back; an attempt beside a busy machine may need another one.
    let mut back = rig.run("rollback shelf --json").await;
    while back.code == Some(1) && (back.error.contains("not running yet") || back.error.contains("within the time")) {
        back = rig.run("rollback shelf --json").await;
    }
    let back = back.json(0);
    assert_eq!((back["live"]["digest"].as_str(), &back["mirror"]["wasLive"]), (Some(&*own), &Value::Bool(true)));
    assert_eq!(notes(&rig.operator).await["note000001"], "since");
    let settled = rig.run("settle shelf --json --reason stays").await.json(0);
    assert_eq!((settled["live"]["digest"].as_str(), settled.get("mirror")), (Some(&*own), None));
    let lines = rig.history().await;
    let settle = lines.last().unwrap();
    assert_eq!((settle["what"].as_str(), settle["reason"].as_str()), (Some("settle"), Some("stays")), "{settle:#}");
    // The other implementation has no data any more, and so there is no way to it.
    rig.run("rollback shelf").await.says(1, &["no earlier release"]);
    assert_eq!((rig.live().await, notes(&rig.operator).await.len()), (own, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_of_a_handover_says_whether_it_was_given_up_or_goes_on() {
    let rig = Rig::with_files().await;
    let (own, other) = (rig.live().await, digest(&shelf("layout=b")));
    // Behind the entities of the trial.
    rig.put("tea", "tea, 1299 EUR").await;
    let given_up = rig.run("deploy shelf drops.wasm --handover --wait").await;
    given_up
        .says(1, &["the handover of shelf was given up", "\"tea\" is not the same", "keeps its release and its data"]);
    assert_eq!(rig.live().await, own);
    until("the deletion", async || {
        let begun = rig.run("deploy shelf b.wasm --handover --header x-try=new").await;
        assert!(begun.code == Some(0) || begun.error.contains("still being deleted"), "{}", begun.error);
        begun.code == Some(0)
    })
    .await;
    // It waits for a `promote`, and so goes on.
    until("the copy", async || rig.service("shelf").await["mirror"]["isReadable"] == true).await;
    assert_eq!(rig.live().await, own);
    let promoted = rig.run("promote shelf --json").await.json(0);
    assert_eq!(promoted["live"]["digest"].as_str(), Some(&*other));
    until("the way back", async || rig.run("rollback shelf").await.code == Some(0)).await;
    rig.run("settle shelf").await.says(0, &[&format!("shelf runs {own}")]);
    // The host still deletes the data, or begins; in both cases nobody promotes it within a second.
    until("the beginning", async || {
        let late = rig.run("deploy shelf b.wasm --handover --header x-try=new --wait=1s").await;
        assert!(late.code == Some(6) || late.error.contains("still being deleted"), "{}", late.error);
        if late.code == Some(6) {
            late.says(6, &["is not complete after 1s", "It continues", "switchyard settle shelf"]);
        }
        late.code == Some(6)
    })
    .await;
    rig.run("settle shelf").await.says(0, &[]);
    assert_eq!(rig.told("shelf").await.last().map(String::as_str), Some("mirrorEnded"));
}
