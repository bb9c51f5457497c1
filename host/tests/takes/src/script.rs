//! A script: steps with `;` between them. What the last one gives is the answer.
#![expect(clippy::disallowed_methods, reason = "a guest has only what std gives it")]

use std::time::{Duration, SystemTime};

use crate::bindings::switchyard::service::{caller, store};

/// Runs `script`; the steps that are not known here are `other`'s: a word, what is behind it, and what is in braces.
pub(crate) fn run(script: &str, other: fn(&str, &str, &str)) -> String {
    steps(script).map(|step| one(step.trim(), other)).last().unwrap_or_default()
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

fn one(step: &str, other: fn(&str, &str, &str)) -> String {
    let (step, inner) = match step.strip_suffix('}').and_then(|step| step.split_once('{')) {
        Some((step, inner)) => (step.trim(), inner),
        None => (step, ""),
    };
    let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
    match word {
        "set" => {
            let (key, value) = rest.split_once(' ').unwrap_or((rest, ""));
            // What is in braces may be a script of several steps.
            store::set(key, if inner.is_empty() { value } else { inner }.as_bytes());
        }
        "append" => {
            let (key, value) = rest.split_once(' ').unwrap_or((rest, ""));
            append(key, value);
        }
        // Appends the time of the call, and who made it.
        "stamp" => append(rest, &time()),
        "by" => append(rest, &caller::calling_service().unwrap_or_else(|| "nobody".into())),
        "delete" => store::delete(rest),
        "get" => return get(rest),
        "fail-if" if store::get(rest).is_some() => panic!("{rest} is set"),
        "spin-if" if store::get(rest).is_some() => spin(),
        "sleep" => std::thread::sleep(Duration::from_millis(rest.parse().unwrap_or(0))),
        "fail-if" | "spin-if" | "" => {}
        word => other(word, rest, inner),
    }
    String::new()
}

pub(crate) fn get(key: &str) -> String {
    store::get(key).map(|value| String::from_utf8_lossy(&value).into_owned()).unwrap_or_default()
}

fn append(key: &str, value: &str) {
    let before = get(key);
    let gap = if before.is_empty() { "" } else { " " };
    store::set(key, format!("{before}{gap}{value}").as_bytes());
}

fn time() -> String {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros().to_string()
}

fn spin() -> ! {
    let mut n = 0_u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}
