//! The parts of a guide that are run: files to write, and commands with what they print.
//!
//! A code block `sh` has commands. A block `text` directly behind it is what they print. A block of any language with a
//! path behind the language is a file. `sh example` and all other blocks are only for people.

/// A part of a guide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Block {
    File { path: String, text: String },
    Commands { line: usize, text: String, expected: Option<String> },
}

/// The parts of a guide, in their order.
pub(super) fn blocks(document: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = document.lines().enumerate();
    // Whether only blank lines are between the last block and here.
    let mut is_behind = false;
    while let Some((number, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            is_behind &= line.trim().is_empty();
            continue;
        };
        let text: String =
            lines.by_ref().take_while(|(_, line)| *line != "```").map(|(_, line)| format!("{line}\n")).collect();
        let words: Vec<_> = info.split_whitespace().collect();
        match (words.as_slice(), found.last_mut()) {
            (["sh"], _) => found.push(Block::Commands { line: number + 1, text, expected: None }),
            (["text"], Some(Block::Commands { expected, .. })) if is_behind && expected.is_none() => {
                *expected = Some(text);
            }
            ([language, path], _) if *language != "sh" => found.push(Block::File { path: (*path).to_owned(), text }),
            _ => {}
        }
        is_behind = words == ["sh"];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guide_has_files_and_commands_with_what_they_print() {
        let document = "\
Text.

```rust src/lib.rs
fn main() {}
```

```sh
one
two
```

```text
printed
```

```text
not of commands
```

```sh example
rm -rf /
```

```sh
three
```
Text.
```text
not directly behind
```
";
        let commands = |line, text: &str, expected: Option<&str>| Block::Commands {
            line,
            text: text.into(),
            expected: expected.map(Into::into),
        };
        let file = Block::File { path: "src/lib.rs".into(), text: "fn main() {}\n".into() };
        assert_eq!(
            blocks(document),
            [file, commands(7, "one\ntwo\n", Some("printed\n")), commands(24, "three\n", None)]
        );
    }
}
