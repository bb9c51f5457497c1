//! Rehearsals: a release is refused, or warned of, for what it makes of recent calls on the live data.

use serde_json::{Value, json};

use super::components::{says, variant};
use super::{Rig, refusals};

fn warnings(verdict: &Value) -> Vec<&str> {
    verdict["warnings"].as_array().unwrap().iter().map(|warning| warning.as_str().unwrap()).collect()
}

/// What a verdict says of the recent calls of `function`.
fn rehearsed<'v>(verdict: &'v Value, function: &str) -> &'v Value {
    let functions = verdict["rehearsal"]["functions"].as_array().unwrap();
    functions.iter().find(|rehearsed| rehearsed["function"] == function).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn recent_calls_run_on_a_snapshot_of_the_live_data_and_differences_are_warnings_without_values() {
    let rig = Rig::pair("").await;
    rig.act("set n hunter1").await;
    rig.write("back", "set m hunter2").await;
    for script in ["get n", "variant", "back.read{get m}", "time; random; who", "refuse hunter3"] {
        rig.look(script).await;
    }
    let answer = rig.deploy("front", "?dryRun=true", says("hunter4")).await.expect(200);
    let verdict = &answer["verdict"];
    let look = rehearsed(verdict, "look");
    let counts = (&look["compared"], &look["equal"], &look["failed"], &look["lost"]);
    assert_eq!(counts, (&json!(5), &json!(4), &json!(0), &json!(0)), "{verdict:#}");
    assert_eq!(look["differences"], json!([{ "path": "", "calls": 1 }]));
    assert_eq!(warnings(verdict), ["look: the answer differs in 1 of 5 calls"]);
    assert!(verdict["text"].as_str().unwrap().contains("warning: look: the answer differs"), "{verdict:#}");
    assert!(!answer.to_string().contains("hunter"), "{answer:#}");
    assert_eq!(rig.look("get n").await, "hunter1", "nothing of a rehearsal stays");
    // The other service was called for its readers; its own rehearsal has these calls too.
    let back = rig.deploy("back", "?dryRun=true", says("1")).await.expect(200);
    assert_eq!(rehearsed(&back["verdict"], "read")["equal"], 1, "{back:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_recent_calls_is_not_rehearsed_and_says_so() {
    let rig = Rig::pair("").await;
    let answer = rig.deploy("front", "?dryRun=true", says("2")).await.expect(200);
    let checks = answer["verdict"]["checks"].as_array().unwrap();
    let answers = checks.iter().find(|check| check["name"] == "answers").unwrap();
    assert_eq!(answers["detail"], "there are no recent calls to compare");
}

/// The accident: the same keys, another encoding, and every call ends with a 500.
#[tokio::test(flavor = "multi_thread")]
async fn one_with_the_same_keys_and_another_encoding_is_refused() {
    let rig = Rig::pair("").await;
    rig.act("set item/tea green").await;
    rig.look("get item/tea").await;
    let verdict =
        rig.refuse("front", "", variant("reads=99|finds=garbage"), "answers", &["recent calls of look", "trap"]).await;
    assert_eq!(
        (&rehearsed(&verdict, "look")["failed"], &rehearsed(&verdict, "look")["failure"]),
        (&json!(1), &json!("trap"))
    );
    let problem = &verdict["problems"][0];
    assert!(!problem.to_string().contains("item/tea"), "{problem:#}");
    // Nothing overrides that.
    let again = rig.deploy("front", "?answersMayDiffer=true", variant("reads=99|finds=garbage")).await;
    refusals::refused(again, "answers", &["trap"]);
}

/// The accident: it skips what it cannot read, and answers as if there were nothing.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_skips_what_it_cannot_read_is_refused_unless_the_operator_wants_that() {
    let rig = Rig::pair("").await;
    rig.act("set item/tea green").await;
    rig.look("get item/tea").await;
    let skips = || variant("reads=99|finds=nothing");
    rig.refuse("front", "", skips(), "answers", &["recent calls of look", "--answers-may-differ"]).await;
    rig.refuse("front", "?weight=5", skips(), "answers", &["does not read the data"]).await;
    rig.deploy("front", "?answersMayDiffer=true", skips()).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_the_same_case_are_the_same_answer() {
    let rig = Rig::pair("").await;
    rig.look("variant").await;
    rig.deploy("front", "?answersMayDiffer=true", variant("call=refuse nothing")).await.expect(201);
    rig.deploy("front", "", variant("call=refuse all")).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_of_a_migration_reads_the_migrated_data() {
    let rig = Rig::pair("").await;
    rig.act("set n old").await;
    rig.look("get n").await;
    let migrates = variant("version=1|pause=5000|migrate=set n new");
    let answer = rig.deploy("front", "?dryRun=true", migrates).await.expect(200);
    assert_eq!(warnings(&answer["verdict"]), ["look: the answer differs in 1 of 1 calls"]);
    assert_eq!(rig.look("get n").await, "old");
}
