use std::collections::BTreeSet;

use hyper::Method;

use super::*;
use crate::admin::options::Options;
use crate::admin::routes::Route;

/// The patterns of the paths in the table of routes, with `{}` for each name.
fn routes() -> BTreeSet<String> {
    let lines = include_str!("../routes.rs").lines().map(str::trim);
    let patterns = lines.filter_map(|line| line.strip_prefix('[')?.split_once("] =>").map(|(pattern, _)| pattern));
    let path = |pattern: &str| {
        let segment = |part: &str| part.strip_prefix('"').map_or("{}".to_owned(), |text| text.replace('"', ""));
        pattern.split(", ").map(|part| format!("/{}", segment(part))).collect::<String>()
    };
    patterns.map(path).collect()
}

fn without_names(path: &str) -> String {
    path.split('/')
        .skip(1)
        .map(|segment| if segment.starts_with('{') { "/{}".into() } else { format!("/{segment}") })
        .collect()
}

#[test]
fn every_route_and_method_is_described_and_no_other() {
    let described: BTreeSet<_> = OPERATIONS.iter().map(|operation| without_names(operation.path)).collect();
    assert_eq!(described, routes());
    for path in OPERATIONS.iter().map(|operation| operation.path) {
        let filled = without_names(path).replace("{}", "x");
        let route = Route::at(&filled).unwrap_or_else(|| panic!("no route at {path}"));
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let is_described = OPERATIONS.iter().any(|one| one.path == path && one.method == method.as_str());
            assert_eq!(route.methods(&method).0, is_described, "{method} {path}");
        }
    }
}

#[test]
fn every_option_and_schema_of_the_document_exists() {
    for operation in OPERATIONS {
        for name in operation.query {
            assert!(PARAMETERS.iter().any(|(known, _)| known == name), "{name} of {}", operation.path);
            let fault = Options::read(Some(&format!("{name}=5")), &[name]).err().map(|fault| format!("{fault:?}"));
            assert!(fault.is_none_or(|fault| !fault.contains("\"unknown\"")), "{name} of {}", operation.path);
        }
    }
    let document = openapi();
    let text = document.to_string();
    for name in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(&format!("/components/schemas/{name}")).is_some(), "{name}");
    }
}

#[test]
fn the_documentation_names_every_path() {
    let text = include_str!("../../../../docs/operator-api.md");
    for Operation { method, path, .. } in OPERATIONS {
        assert!(text.contains(&format!("{method} {path}")), "docs/operator-api.md has no `{method} {path}`");
    }
}
