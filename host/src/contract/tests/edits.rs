//! Random edits of a contract: our judgement never allows more than the oracles do.

use std::cell::Cell;
use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;

use super::oracles::{Beside, Shop};
use super::shop::SHOP;
use crate::contract::Level;

/// Types that may replace one another.
const PRIMITIVES: &[&str] = &["u8", "u32", "u64", "s64", "f64", "bool", "char", "string"];

/// Words that may replace others, besides those of the shop.
const WORDS: &[&str] = &["list", "option", "result", "record", "variant", "enum", "new"];

/// Keywords in front of a declared name.
const KEYWORDS: &[&str] = &["record", "variant", "enum", "flags", "type", "interface", "world", "import", "export"];

/// How many edits are tried, and how many of them at least must be WIT: most are not.
const EDITS: u32 = 500;
const JUDGED_MIN: usize = 50;

/// One edit of a list of tokens. An item is the text between separators or brackets: a field, a case, a parameter, a
/// function.
#[derive(Debug, Clone)]
enum Step {
    /// Replaces a word by another.
    Word(Index, Index),
    /// Removes the item that contains a token.
    Less(Index),
    /// Repeats the item that contains a token, under a new name.
    More(Index),
    /// Swaps the items that contain two tokens.
    Swap(Index, Index),
}

fn any_step() -> impl Strategy<Value = Step> {
    let at = any::<Index>;
    prop_oneof![
        2 => (at(), at()).prop_map(|(token, word)| Step::Word(token, word)),
        1 => at().prop_map(Step::Less),
        1 => at().prop_map(Step::More),
        1 => (at(), at()).prop_map(|(one, other)| Step::Swap(one, other)),
    ]
}

/// The words and signs of WIT, without its comments.
fn tokens(wit: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for line in wit.lines().filter(|line| !line.trim_start().starts_with("///")) {
        let mut in_word = false;
        for sign in line.replace("->", "→").chars() {
            let is_word = sign.is_ascii_alphanumeric() || sign == '-';
            match tokens.last_mut() {
                Some(word) if is_word && in_word => word.push(sign),
                _ if !sign.is_whitespace() => tokens.push(sign.to_string()),
                _ => {}
            }
            in_word = is_word;
        }
    }
    tokens
}

fn text(tokens: &[String]) -> String {
    tokens.join(" ").replace('→', "->")
}

/// The item that contains a token: a declaration up to its closing brace, or the text between separators.
fn item(tokens: &[String], at: usize) -> Range<usize> {
    let (mut start, mut depth) = (at, 0);
    while let Some(token) = start.checked_sub(1).map(|before| tokens[before].as_str()) {
        match token {
            "," | ";" | "(" | "{" | "<" | "}" if depth == 0 => break,
            ")" | ">" | "}" => depth += 1,
            "(" | "<" | "{" => depth -= 1,
            _ => {}
        }
        start -= 1;
    }
    let (mut end, mut depth) = (at, 0);
    while let Some(token) = tokens.get(end) {
        match token.as_str() {
            "," | ";" | ")" | ">" | "}" if depth == 0 => break,
            "(" | "<" | "{" => depth += 1,
            ")" | ">" | "}" => depth -= 1,
            _ => {}
        }
        end += 1;
        if depth == 0 && token == "}" {
            break;
        }
    }
    start..end.max(start)
}

fn take(step: &Step, tokens: &mut Vec<String>) {
    match step {
        Step::Word(at, word) => {
            let of_shop = || tokens.iter().map(String::as_str).chain(WORDS.iter().copied()).collect();
            let words = if PRIMITIVES.contains(&at.get(tokens).as_str()) { PRIMITIVES.to_vec() } else { of_shop() };
            let word = word.get(&words).to_string();
            *at.get_mut(tokens) = word;
        }
        Step::Less(at) => {
            let mut item = item(tokens, at.index(tokens.len()));
            if tokens.get(item.end).is_some_and(|next| next == "," || next == ";") {
                item.end += 1;
            }
            tokens.drain(item);
        }
        Step::More(at) => {
            let item = item(tokens, at.index(tokens.len()));
            let mut copy = tokens[item.clone()].to_vec();
            let name = usize::from(copy.first().is_some_and(|first| KEYWORDS.contains(&first.as_str())));
            if let Some(name) = copy.get_mut(name) {
                name.push_str("-too");
            }
            let separator = tokens.get(item.end).filter(|next| *next == ";").map_or(",", |_| ";");
            if copy.last().is_none_or(|last| last != "}") {
                copy.push(separator.into());
            }
            tokens.splice(item.start..item.start, copy);
        }
        Step::Swap(one, other) => {
            let [one, other] = [one, other].map(|at| item(tokens, at.index(tokens.len())));
            let (first, second) = if one.start < other.start { (one, other) } else { (other, one) };
            if first.end <= second.start {
                let moved = tokens[second.clone()].to_vec();
                let back = tokens.splice(first.clone(), moved.clone()).collect::<Vec<_>>();
                let start = second.start + moved.len() - first.len();
                tokens.splice(start..start + moved.len(), back);
            }
        }
    }
}

#[test]
fn no_edit_at_all_is_taken_for_a_drop_in_that_an_oracle_refuses() {
    let shop = Shop::new();
    let (package, body) = SHOP.split_once(';').unwrap();
    let tokens = tokens(body);
    let judged = Cell::new(0);
    let config = ProptestConfig { cases: EDITS, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&prop::collection::vec(any_step(), 1..4), |steps| {
        let mut edited = tokens.clone();
        steps.iter().for_each(|step| take(step, &mut edited));
        let wit = format!("{package};{}", text(&edited));
        let Some(Beside { found, wac, faults, .. }) = shop.judge(&wit) else { return Ok(()) };
        judged.set(judged.get() + 1);
        prop_assert!(faults.is_empty(), "{}\n{found}\n{wit}", faults.join("\n"));
        // And no edit that wac-types accepts is refused: no version changes here.
        prop_assert_eq!(found.level == Level::DropIn, wac && found.breaks.is_empty(), "{}\n{}", found, wit);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    assert!(judged.get() >= JUDGED_MIN, "only {} of {EDITS} edits were WIT", judged.get());
}
