use std::collections::BTreeSet;
use std::path::Path;

use super::*;

/// The names of metrics in `text`.
fn names(text: &str) -> BTreeSet<String> {
    let is_of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c: char| !is_of_name(c));
    let is_metric = |word: &&str| ["switchyard_", "process_"].iter().any(|prefix| word.starts_with(prefix));
    words.filter(is_metric).map(str::to_owned).collect()
}

fn project(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

#[test]
fn every_metric_in_the_code_is_described_and_no_other() {
    let mut used = BTreeSet::new();
    let mut folders = vec![project("host/src/observe")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let is_about_itself = path.ends_with("descriptions.rs") || path.ends_with("tests.rs");
            if path.is_dir() {
                folders.push(path);
            } else if !is_about_itself {
                let text = std::fs::read_to_string(&path).expect("a file");
                // Names are string literals; identifiers such as `process_metrics` are not.
                used.extend(text.split('"').skip(1).step_by(2).flat_map(names));
            }
        }
    }
    let described: BTreeSet<_> = DESCRIPTIONS.iter().map(|description| description.name.to_owned()).collect();
    assert_eq!(used, described);
}

/// What `promtool check metrics` demands of names and texts.
#[test]
fn names_follow_the_rules_of_prometheus() {
    for Description { name, kind, help } in DESCRIPTIONS {
        assert!(help.len() > 10 && help.ends_with('.') && !help.contains('\n'), "{name}: {help}");
        assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
        let reserved = ["_bucket", "_count", "_sum"];
        assert!(reserved.iter().all(|suffix| !name.ends_with(suffix)), "{name}");
        let parts: Vec<_> = name.split('_').collect();
        let other_units = ["ms", "millis", "milliseconds", "micros", "minutes", "hours", "kb", "mb", "kilobytes"];
        assert!(parts.iter().all(|part| !other_units.contains(part)), "{name} has no base unit");
        assert!(["counter", "gauge", "histogram"].iter().all(|kind| !parts.contains(kind)), "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'), "{name}");
    }
    let unique: BTreeSet<_> = DESCRIPTIONS.iter().map(|description| description.name).collect();
    assert_eq!(unique.len(), DESCRIPTIONS.len());
}

#[test]
fn the_dashboard_and_the_alerts_use_metrics_that_exist() {
    let known = |name: &str| {
        let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let histogram = of_histogram.and_then(description).is_some_and(|found| found.kind == Kind::Histogram);
        histogram || description(name).is_some_and(|found| found.kind != Kind::Histogram)
    };
    for file in ["docs/monitoring/dashboard.json", "docs/monitoring/alerts.yaml"] {
        let text = std::fs::read_to_string(project(file)).expect(file);
        let names = names(&text);
        assert!(names.len() > 5, "{file} has few metrics: {names:?}");
        for name in names {
            assert!(known(&name), "{file} uses {name}");
        }
    }
    let dashboard = std::fs::read_to_string(project("docs/monitoring/dashboard.json")).expect("the dashboard");
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).expect("JSON");
    let panels = dashboard.get("panels").and_then(serde_json::Value::as_array).expect("panels");
    assert!(panels.iter().all(|panel| panel.get("title").is_some() && panel.get("gridPos").is_some()));
}

#[test]
fn the_page_about_clusters_lists_the_metrics_of_a_cluster_and_no_others() {
    let of_cluster = |name: &&str| name.starts_with("switchyard_cluster_");
    let described = DESCRIPTIONS.iter().map(|description| description.name).filter(of_cluster);
    let page = std::fs::read_to_string(project("docs/cluster.md")).expect("the page");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name));
    let listed: BTreeSet<_> = rows.filter(of_cluster).collect();
    assert_eq!(listed, described.collect::<BTreeSet<_>>());
    // What the operators' pages name exists.
    for page in ["docs/cluster.md", "docs/cluster-operations.md"] {
        let text = std::fs::read_to_string(project(page)).expect("a page");
        for name in names(&text).iter().map(String::as_str).filter(of_cluster) {
            assert!(description(name).is_some(), "{page} names {name}");
        }
    }
}
