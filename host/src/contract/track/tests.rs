use super::*;

#[test]
fn compatible_versions_have_one_track() {
    let check = |name: &str, expected: &str| assert_eq!(track(name), expected, "{name}");
    check("a:b/c@1.2.3", "a:b/c@1");
    check("a:b/c@12.0.0", "a:b/c@12");
    check("a:b/c@0.2.9", "a:b/c@0.2");
    check("a:b/c@0.0.9", "a:b/c@0.0.9");
    check("a:b/c@1.2.3-rc1", "a:b/c@1.2.3-rc1");
    check("a:b/c@1.2.3+build.1", "a:b/c@1");
    check("a:b/c@1", "a:b/c@1");
    check("a:b/c", "a:b/c");
    check("", "");
}
