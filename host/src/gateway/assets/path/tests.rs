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
