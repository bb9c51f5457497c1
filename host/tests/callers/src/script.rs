//! A script: steps with `;` between them. What its steps give is the answer, with `,` between.
//!
//! `%` stands for what the step before gave. A call to a service is a step too: `back.write{add sold; refuse why}`, and
//! so are `repeat 3{add n}` and `if n 3{add m}`.
#![expect(clippy::disallowed_methods, reason = "a guest has only what std gives it")]

use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use crate::bindings::switchyard::service::{call, caller, store};
use crate::bindings::test::calls::types::Problem;
use crate::bindings::test::calls::{back, calls_events, front};
use crate::variant;

pub(crate) fn run(script: &str) -> Result<String, Problem> {
    let mut given: Vec<String> = Vec::new();
    for step in steps(script) {
        let step = step.trim().replace('%', given.last().map_or("", String::as_str));
        given.extend(one(&step)?);
    }
    Ok(given.join(","))
}

/// How an answer is written where it is one among others.
pub(crate) fn said(problem: &Problem) -> String {
    match problem {
        Problem::Refused(why) => format!("refused: {why}"),
        Problem::Declined(why) => format!("declined: {why}"),
        Problem::Unavailable(why) => format!("unavailable: {why}"),
    }
}

/// Splits at each `;` that is in no braces.
fn steps(script: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_u32;
    script.split(move |letter| {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        letter == ';' && depth == 0
    })
}

fn one(step: &str) -> Result<Option<String>, Problem> {
    if let Some((head, inner)) = step.strip_suffix('}').and_then(|step| step.split_once('{')) {
        return block(head, inner).map(Some);
    }
    let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
    Ok(match word {
        "get" => Some(found(rest)?.unwrap_or_else(|| "none".into())),
        "set" => {
            let (key, value) = rest.split_once(' ').unwrap_or((rest, ""));
            store::set(key, value.as_bytes());
            None
        }
        "delete" => {
            store::delete(rest);
            None
        }
        "add" => Some(add(rest, u64::MAX)),
        // `below KEY MAX`: adds to what is less.
        "below" => {
            let (key, max) = rest.split_once(' ').unwrap_or((rest, ""));
            Some(add(key, number(max)))
        }
        // `fill PREFIX COUNT BYTES`: so many keys, each with so many bytes.
        "fill" => {
            fill(rest);
            None
        }
        "keys" => Some(store::scan(rest, None, store::Direction::Ascending, 1000).entries.len().to_string()),
        // `page PREFIX LIMIT`: all entries, in pages of so many. `last PREFIX LIMIT`: one page, from the end.
        "page" => Some(pages(rest)),
        "last" => Some(last(rest)),
        "say" => Some(rest.into()),
        "big" => Some("x".repeat(usize::try_from(number(rest)).unwrap_or(0))),
        "who" => Some(who()),
        // What this component does, and no other: nothing unless it was made a variant.
        "variant" => Some(run(variant::text("call"))?),
        // What the host says when it tries whether a component answers.
        "smoke" => Some(run(variant::text("smoke"))?),
        "emit" => {
            calls_events::happened(rest);
            None
        }
        "release" => std::env::var("RELEASE").ok(),
        "time" => Some(time()),
        "id" => Some(call::new_id("id")),
        // A hash table is seeded, which is no use of randomness in a call that only reads.
        "random" => Some(RandomState::new().hash_one(0).to_string()),
        "refuse" => return Err(Problem::Refused(rest.into())),
        "decline" => return Err(Problem::Declined(rest.into())),
        "sleep" => {
            std::thread::sleep(Duration::from_millis(number(rest)));
            None
        }
        "print" => {
            std::io::stderr().write_all(format!("{rest}\n").as_bytes()).unwrap_or_default();
            None
        }
        "spin" => spin(),
        "panic" => panic!("{rest}"),
        "" => None,
        other => panic!("no step is called {other:?}"),
    })
}

/// A step with a script of its own.
fn block(head: &str, inner: &str) -> Result<String, Problem> {
    let answer = match head.trim() {
        "front.look" => front::look(inner),
        "front.read" => front::read(inner),
        "front.write" => front::write(inner),
        "front.bare" => Ok(front::bare(inner)),
        "back.read" => back::read(inner),
        "back.write" => back::write(inner),
        "back.bare" => Ok(back::bare(inner)),
        head => return control(head, inner),
    };
    Ok(answer.unwrap_or_else(|problem| said(&problem)))
}

fn control(head: &str, inner: &str) -> Result<String, Problem> {
    let times = match head.split(' ').collect::<Vec<_>>()[..] {
        ["repeat", times] => number(times),
        ["if", key, value] => u64::from(text(key).is_some_and(|found| found == value)),
        _ => panic!("no step is called {head:?}"),
    };
    let mut last = String::new();
    for _ in 0..times {
        last = run(inner)?;
    }
    Ok(last)
}

/// The text under `key`, as a component finds it that may know another encoding than the one that wrote it.
fn found(key: &str) -> Result<Option<String>, Problem> {
    match (text(key), variant::text("finds")) {
        (Some(_), "garbage") => panic!("the value under {key} has an unknown encoding"),
        (Some(_), "nothing") => Err(Problem::Refused("no such thing".into())),
        (text, _) => Ok(text),
    }
}

fn text(key: &str) -> Option<String> {
    store::get(key).map(|value| String::from_utf8_lossy(&value).into_owned())
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

fn add(key: &str, max: u64) -> String {
    let before = text(key).map_or(0, |text| number(&text));
    let after = if before < max { before + 1 } else { before };
    if after != before {
        store::set(key, after.to_string().as_bytes());
    }
    after.to_string()
}

fn fill(rest: &str) {
    let [prefix, count, bytes] = rest.split(' ').collect::<Vec<_>>()[..] else { panic!("fill PREFIX COUNT BYTES") };
    let value = vec![b'x'; usize::try_from(number(bytes)).unwrap_or(0)];
    for key in 0..number(count) {
        store::set(&format!("{prefix}{key:04}"), &value);
    }
}

fn pages(rest: &str) -> String {
    let (prefix, limit) = rest.split_once(' ').unwrap_or((rest, "1"));
    let limit = u32::try_from(number(limit)).unwrap_or(1);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store::scan(prefix, after.as_deref(), store::Direction::Ascending, limit);
        after = page.entries.last().map(|entry| entry.key.clone());
        found.extend(page.entries.iter().map(shown));
        if !page.more {
            return found.join(" ");
        }
    }
}

fn last(rest: &str) -> String {
    let (prefix, limit) = rest.split_once(' ').unwrap_or((rest, "1"));
    let limit = u32::try_from(number(limit)).unwrap_or(1);
    let page = store::scan(prefix, None, store::Direction::Descending, limit);
    let entries: Vec<_> = page.entries.iter().map(shown).collect();
    format!("{}{}", entries.join(" "), if page.more { " and more" } else { "" })
}

fn shown(entry: &store::Entry) -> String {
    format!("{}={}", entry.key, String::from_utf8_lossy(&entry.value))
}

fn who() -> String {
    let identity = caller::current().map_or("nobody".into(), |who| format!("{}/{}", who.id, who.role));
    format!("{identity} by {}", caller::calling_service().unwrap_or_else(|| "a client".into()))
}

pub(crate) fn time() -> String {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros().to_string()
}

fn spin() -> ! {
    let mut n = 0_u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}
