//! From the path of a request to a path under the assets' folder.
//!
//! Invariant: what comes out has only plain names in it; no `..`, no hidden file, nothing that a file system reads as
//! more than one name.

use std::path::PathBuf;

use crate::gateway::text::decode_segment;

/// A path under the folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct AssetPath {
    pub(super) relative: PathBuf,
    /// The request's path ended with a slash: a directory is meant.
    pub(super) directory: bool,
}

impl AssetPath {
    /// Nothing for a path that no asset can have.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let (names, directory) = match path.strip_suffix('/') {
            Some(names) => (names, true),
            None => (path, path.is_empty()),
        };
        let mut relative = PathBuf::new();
        if !path.is_empty() {
            for (position, raw) in names.split('/').enumerate() {
                let name = decode_segment(raw).ok()?;
                let hidden = name.starts_with('.') && !(position == 0 && name == ".well-known");
                if name.is_empty() || hidden || name.contains(['/', '\\', '\0']) {
                    return None;
                }
                relative.push(&*name);
            }
        }
        Some(Self { relative, directory })
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_plain_names_come_out() {
        let check = |path: &str, expected: Option<(&str, bool)>| {
            let parsed = AssetPath::parse(path);
            let parsed = parsed.as_ref().map(|path| (path.relative.as_path(), path.directory));
            assert_eq!(parsed, expected.map(|(path, directory)| (Path::new(path), directory)), "{path:?}");
        };
        check("/", Some(("", true)));
        check("/app.js", Some(("app.js", false)));
        check("/img/tea%20pot.svg", Some(("img/tea pot.svg", false)));
        check("/docs/", Some(("docs", true)));
        check("/.well-known/security.txt", Some((".well-known/security.txt", false)));
        for path in [
            "",
            "app.js",
            "//",
            "//etc/passwd",
            "/a//b",
            "/..",
            "/../secret",
            "/a/../../secret",
            "/%2e%2e/secret",
            "/..%2fsecret",
            "/a%2f..%2f..%2fsecret",
            "/..%5csecret",
            "/.git/config",
            "/a/.well-known/x",
            "/a%00.js",
            "/%zz",
            "/%ff",
            "/./a",
        ] {
            check(path, None);
        }
    }

    proptest! {
        #[test]
        fn nothing_leads_out_of_the_folder(path in "(/|\\.|%2e|%2f|%5c|%00|a|\\\\|%25){0,12}") {
            if let Some(path) = AssetPath::parse(&path) {
                prop_assert!(path.relative.components().all(|part| matches!(part, Component::Normal(_))));
            }
        }
    }
}
