use super::*;

#[test]
fn the_longest_prefix_answers() {
    let service = ServiceName::parse("web").expect("a name");
    let mounts = |prefixes: &[&str]| {
        let mount = |prefix: &&str| Mount {
            prefix: (*prefix).into(),
            service: service.clone(),
            strip_prefix: false,
            body_bytes_max: 0,
            stream_ms_max: 0,
        };
        Mounts::new(prefixes.iter().map(mount).collect())
    };
    let some = mounts(&["/old", "/old/api/", "/blog"]);
    let check = |path: &str, expected: Option<&str>| {
        assert_eq!(some.find(path).map(|mount| mount.prefix.as_str()), expected, "{path}");
    };
    check("/old", Some("/old"));
    check("/old/", Some("/old"));
    check("/old/api", Some("/old/api"));
    check("/old/api/v1?x", Some("/old/api"));
    check("/old/apis", Some("/old"));
    check("/older", None);
    check("/", None);
    assert!(mounts(&["/"]).find("/any/thing").is_some());
}
