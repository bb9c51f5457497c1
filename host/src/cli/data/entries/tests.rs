use super::*;
use crate::cli::arguments::Command;
use crate::cli::client::fake_host::{FakeHost, lines, parsed};

const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000007";

fn command(line: &str) -> Store {
    let Command::Store(command) = parsed(line) else { panic!("store") };
    command
}

fn entry(key: &str, form: &str, value: &str) -> Value {
    json!({ "key": key, "bytes": value.len(), "digest": DIGEST, form: value })
}

fn confirm(_question: &str, _yes: bool) -> Result<(), Failure> {
    Ok(())
}

#[test]
fn an_entry_is_shown_in_the_form_that_was_chosen() {
    let check = |options: &str, stored: Value, expected: Result<&str, &str>| {
        let line = format!("switchyard store get cart cart/1{options}");
        let (outcome, seen) = FakeHost::new().answer(200, stored).run(|target| run(target, &command(&line), confirm));
        let outcome = outcome.map_err(|failure| failure.to_string());
        assert_eq!(outcome.as_deref().map_err(String::as_str), expected, "{line}");
        assert_eq!(lines(&seen), ["GET /services/cart/entry?key=cart%2F1"]);
    };
    let shown = format!("key     cart/1\nbytes   3\ndigest  {DIGEST}\n\ntea");
    check("", entry("cart/1", "text", "tea"), Ok(&shown));
    check(" --as text", entry("cart/1", "text", "tea"), Ok("tea"));
    check(" --as hex", entry("cart/1", "text", "tea"), Ok("746561"));
    check(" --as hex", entry("cart/1", "hex", "00ff"), Ok("00ff"));
    check(" --as json", entry("cart/1", "text", "[1]"), Ok("[\n  1\n]"));
    let no_json = "error: the value of cart/1 is not JSON\n`--as text` and `--as hex` show it.";
    check(" --as json", entry("cart/1", "text", "tea"), Err(no_json));
}

#[test]
fn a_scan_is_a_table_and_says_how_it_continues() {
    let first = json!({ "items": [entry("a\u{1b}", "text", "1")], "nextAfter": "a\u{1b}" });
    let second = json!({ "items": [entry("b", "hex", "01")], "nextAfter": "b" });
    let asked = command("switchyard store scan cart a --limit 2");
    let (outcome, seen) =
        FakeHost::new().answer(200, first).answer(200, second).run(|target| run(target, &asked, confirm));
    let expected = "\
KEY      BYTES  VALUE
a\\u{1b}      1  1
b            2  .
There are more: continue with --after 'b'.";
    assert_eq!(outcome.expect("a table"), expected);
    let asked =
        ["GET /services/cart/entries?prefix=a&limit=2", "GET /services/cart/entries?prefix=a&limit=1&after=a%1B"];
    assert_eq!(lines(&seen), asked);
}

#[test]
fn a_change_is_confirmed_and_made_only_to_what_was_confirmed() {
    let edited =
        json!({ "key": "a", "before": {"bytes": 3, "digest": DIGEST}, "after": {"bytes": 5, "digest": DIGEST} });
    let check = |line: &str, answers: Vec<(u16, Value)>, asked: Option<&str>, expected: &[&str]| {
        let mut question = None;
        let host = answers.into_iter().fold(FakeHost::new(), |host, (status, body)| host.answer(status, body));
        let (outcome, seen) = host.run(|target| {
            run(target, &command(line), |said, _| {
                question = Some(said.to_owned());
                Ok(())
            })
        });
        outcome.unwrap_or_else(|failure| panic!("{line}: {failure}"));
        assert_eq!((question.as_deref(), lines(&seen)), (asked, expected.to_vec()), "{line}");
    };
    let there = || (200, entry("a", "text", "tea"));
    let (none, done) = (|| (404, json!({ "title": "Not Found" })), || (200, edited.clone()));
    let get = "GET /services/cart/entry?key=a";
    let guarded = format!("PUT /services/cart/entry?key=a&ifDigest={}", DIGEST.replace(':', "%3A"));
    let replace = "Replace the value of a of cart (3 B) with 5 B? No component checks it.";
    check("switchyard store set cart a green", vec![there(), done()], Some(replace), &[get, &guarded]);
    let add = "Add the entry a to cart, with 2 B? No component checks it.";
    let new = "PUT /services/cart/entry?key=a&ifDigest=none";
    check("switchyard store set cart a 00ff --as hex", vec![none(), done()], Some(add), &[get, new]);
    let forced = "PUT /services/cart/entry?key=a&reason=why";
    check("switchyard store set cart 61 x --hex-key --yes --reason why", vec![done()], None, &[forced]);
    let delete = "DELETE /services/cart/entry?key=a&ifDigest=none";
    check("switchyard store delete cart a -y --if-digest none", vec![done()], None, &[delete]);
}

#[test]
fn a_value_that_is_not_what_it_is_said_to_be_is_refused_before_anything_is_sent() {
    let check = |line: &str, expected: &str| {
        let (outcome, seen) = FakeHost::new().run(|target| run(target, &command(line), confirm));
        assert!(outcome.expect_err(line).to_string().contains(expected), "{line}");
        assert!(seen.is_empty(), "{line}");
    };
    check("switchyard store set cart a 0 --as hex -y", "two digits for each byte");
    check("switchyard store set cart a {x --as json -y", "the value is not JSON");
    check("switchyard store set cart a --file /nowhere -y", "cannot read /nowhere");
    check("switchyard store get cart ff --hex-key", "no UTF-8 text in hexadecimal");
}
