use super::*;

#[test]
fn every_section_knows_its_keys() {
    let sections = [
        "host",
        "gateway",
        "store",
        "journal",
        "runtime",
        "limits",
        "retries",
        "deploy",
        "events",
        "telemetry",
        "cluster",
        "services",
    ];
    assert_eq!(Section::Manifest.keys(), sections);
    for (name, section) in Section::NAMED {
        assert!(!section.keys().is_empty(), "{name}");
        assert!(Section::Manifest.keys().contains(&name), "{name}");
    }
    assert_eq!(Section::Limits.keys(), Section::ServiceLimits.keys());
}

#[test]
fn a_misspelled_key_is_recognized_and_a_strange_one_is_not() {
    let check = |name: &str, said: &str| assert_eq!(instead_of(name, &["listen", "data"]), said, "{name}");
    check("lisen", "did you mean `listen`?");
    check("dta", "did you mean `data`?");
    check("colour", "known are listen, data");
    check("", "known are listen, data");
}
