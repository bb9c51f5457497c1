//! What makes this guest many components: a text in its data, which tests write over in the finished file. Nobody has to
//! compile a component that is only a little different.
//!
//! The text is parts with `|` between them, each a name and what is under it: `call=say 7|version=2|migrate=set a b`.

use std::hint::black_box;

/// How the text begins, where no test has written it.
const MARK: &str = "<variant>";

/// Where a test finds the text, and as long as it may be.
static VARIANT: &str = concat!(
    "<variant>",
    "                                                                ",
    "                                                                ",
    "                                                                ",
    "                                                                ",
);

/// What the variant has under `name`; nothing where it has no such part.
pub(crate) fn text(name: &str) -> &'static str {
    // What is in the file is not what the compiler saw.
    let parts = black_box(VARIANT).trim_end().trim_start_matches(MARK).split('|');
    parts.filter_map(|part| part.split_once('=')).find(|(known, _)| *known == name).map_or("", |(_, text)| text)
}

/// A number of the variant: 0 where it has none.
pub(crate) fn number(name: &str) -> u32 {
    text(name).parse().unwrap_or(0)
}
