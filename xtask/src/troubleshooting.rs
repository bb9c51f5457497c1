//! `docs/troubleshooting.md` has a row for every exit code, every check of a verdict, and every error that says why a
//! component or a change was refused.

use std::path::Path;
use std::str::FromStr as _;

use proc_macro2::{Delimiter, Group, Literal, TokenStream, TokenTree};

use crate::step::root;

/// The files whose errors have rows. Those that only name a cause below them are left out.
const ERRORS: [&str; 9] = [
    "release/error.rs",
    "release/judging/signature.rs",
    "release/loading/files.rs",
    "release/loading/loader.rs",
    "release/mirror/error.rs",
    "runtime/compile/bounds.rs",
    "runtime/compile/child.rs",
    "runtime/compile/compiler.rs",
    "runtime/instance/failure.rs",
];

/// The folder of the files that refuse a component for a reason: the second argument of `refused` names the place.
const REFUSALS: &str = "release/judging";

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn tokens(file: &str) -> TokenStream {
    TokenStream::from_str(&read(&root().join("host/src").join(file))).expect("Rust")
}

fn document() -> String {
    read(&root().join("docs/troubleshooting.md"))
}

/// The text as code in Markdown: behind two backticks if it has some itself.
fn code(text: &str) -> String {
    match (text.contains('`'), text.starts_with('`') || text.ends_with('`')) {
        (false, _) => format!("`{text}`"),
        (true, false) => format!("``{text}``"),
        (true, true) => format!("`` {text} ``"),
    }
}

/// Calls `take` with every group and the tokens before it, at all depths.
fn groups(tokens: TokenStream, take: &mut impl FnMut(&[TokenTree], &Group)) {
    let mut before = Vec::new();
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            take(&before, group);
            groups(group.stream(), take);
        }
        before.push(token);
    }
}

fn is_after(before: &[TokenTree], name: &str) -> bool {
    matches!(before.last(), Some(TokenTree::Ident(ident)) if ident == name)
}

/// The value of a string literal, with `…` in place of what is formatted into it.
fn text(literal: &Literal) -> Option<String> {
    let quoted = literal.to_string();
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut letters = inner.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.peek() == Some(&'\n') => while letters.next_if(|next| next.is_whitespace()).is_some() {},
            '\\' => text.extend(letters.next()),
            '{' => {
                while letters.next().is_some_and(|inside| inside != '}') {}
                text.push('…');
            }
            letter => text.push(letter),
        }
    }
    Some(text)
}

/// The messages of the errors in a file, as the document writes them.
fn messages(file: &str) -> Vec<String> {
    let mut found = Vec::new();
    groups(tokens(file), &mut |before, group| {
        if is_after(before, "error")
            && let Some(TokenTree::Literal(literal)) = group.stream().into_iter().next()
        {
            found.extend(text(&literal));
        }
    });
    assert!(!found.is_empty(), "{file} has no errors any more");
    found.retain(|message| message != "…");
    found
}

/// The names and the discriminants of an enum's variants.
fn variants(file: &str, name: &str) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    groups(tokens(file), &mut |before, group| {
        if group.delimiter() == Delimiter::Brace && is_after(before, name) {
            let mut last = None;
            for token in group.stream() {
                match token {
                    TokenTree::Ident(ident) => last = Some(ident.to_string()),
                    TokenTree::Literal(number) if last.is_some() => {
                        found.push((last.take().unwrap_or_default(), Some(number.to_string())));
                    }
                    TokenTree::Punct(punct) if punct.as_char() == ',' => {
                        found.extend(last.take().map(|variant| (variant, None)));
                    }
                    _ => {}
                }
            }
        }
    });
    found
}

#[test]
fn every_exit_code_has_a_row() {
    let document = document();
    let codes = variants("cli/output/failure.rs", "Kind");
    assert!(codes.len() >= 4, "{codes:?}");
    for (variant, code) in codes {
        let row = format!("\n| {} | ", code.expect("the number of an exit code"));
        assert!(document.contains(&row), "exit code {variant} has no row: {row}");
    }
}

#[test]
fn every_check_of_a_verdict_has_a_row() {
    let document = document();
    let checks = variants("release/judging/verdict.rs", "Check");
    assert!(checks.len() >= 7, "{checks:?}");
    for (check, _) in checks {
        let row = format!("\n| `{}` | ", check.to_lowercase());
        assert!(document.contains(&row), "the check {check} has no row: {row}");
    }
}

#[test]
fn every_place_that_a_refusal_names_has_a_row() {
    let document = document();
    let mut places = Vec::new();
    let files = std::fs::read_dir(root().join("host/src").join(REFUSALS)).expect("the folder");
    for file in files.map(|entry| entry.expect("an entry").file_name()) {
        let file = file.to_string_lossy();
        if !file.ends_with(".rs") {
            continue;
        }
        groups(tokens(&format!("{REFUSALS}/{file}")), &mut |before, group| {
            if is_after(before, "refused") {
                let literal = group.stream().into_iter().find_map(|token| match token {
                    TokenTree::Literal(literal) => text(&literal),
                    _ => None,
                });
                places.extend(literal);
            }
        });
    }
    assert!(places.len() > 5, "{places:?}");
    for place in places {
        let listed = document.contains(&format!("\n| `{place}` | ")) || document.contains(&format!("`{place}"));
        assert!(listed, "{place:?} has no row");
    }
}

#[test]
fn every_error_that_refuses_a_component_or_a_change_has_a_row() {
    let document = document();
    for file in ERRORS {
        for message in messages(file) {
            assert!(document.contains(&format!("\n| {} | ", code(&message))), "{file}: {message:?} has no row");
        }
    }
}
