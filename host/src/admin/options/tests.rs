use super::*;

const DEPLOY: &[&str] = &["weight", "steps", "shadow", "header", "every", "grant", "reason", "dryRun", "afterIntents"];

#[test]
fn options_are_read_or_told_what_they_must_be() {
    let check = |query: &str, good: bool| {
        assert_eq!(Options::read(Some(query), DEPLOY).is_ok(), good, "{query}");
    };
    check("", true);
    check("weight=5&header=x-canary=yes&shadow=100&reason=because%20so", true);
    check("weight=5%25", true);
    check("weight=0", false);
    check("weight=101", false);
    check("weight=NaN", false);
    check("steps=1,10,50&every=120", true);
    check("steps=10,1", false);
    check("steps=10,10", false);
    check("steps=", false);
    check("every=0", false);
    check("every=5", false);
    check("every=5&weight=10", true);
    check("weight=5&steps=5,10", false);
    check("weight=5&weight=6", false);
    check("header=x", false);
    check("header=a%20b=c", false);
    check("header=a=%C3%A4", false);
    check("grant=api.example.com:443", true);
    check("grant=a%2Fb", false);
    check("grant=a&grant=b&grant=a:443", true);
    check("grant=api.example.com&grant=API.example.com.", false);
    check("dryRun", true);
    check("dryRun=maybe", false);
    check("force=true", false);
    check("live=true", false);
    check("afterIntents=30", true);
    check("afterIntents=0", true);
    check("afterIntents=3601", false);
    check("afterIntents=-1", false);
    check("afterIntents=1.5", false);
    check("afterIntents", false);
    check("unknown=1", false);
    check("reason=%", false);
}

#[test]
fn what_a_set_says_in_its_body_has_the_bounds_of_a_query() {
    let check = |reason: &str, grants: &[&str], good: bool| {
        let grants: Vec<_> = grants.iter().map(ToString::to_string).collect();
        let set = Options::default().set(Some(reason.into()), &grants);
        assert_eq!(set.is_ok(), good, "{reason} {grants:?}");
    };
    check("because", &["api.example.com"], true);
    check(&"x".repeat(REASON_BYTES_MAX + 1), &[], false);
    check("", &["a/b"], false);
    check("", &["a", "A"], false);
    let hosts = |count: usize| (0..count).map(|host| format!("h{host}")).collect::<Vec<_>>();
    check("", &hosts(GRANTS_MAX).iter().map(String::as_str).collect::<Vec<_>>(), true);
    check("", &hosts(GRANTS_MAX + 1).iter().map(String::as_str).collect::<Vec<_>>(), false);
}

#[test]
fn a_deploy_without_any_share_is_a_swap() {
    let read = |query: &str| Options::read(Some(query), DEPLOY).expect("good options").plan;
    assert!(read("reason=x").rollout.is_none());
    let rollout = read("weight=5").rollout.expect("a rollout");
    assert_eq!(rollout.steps, [Share::of_percent(5.0).expect("a share")]);
    assert_eq!(rollout.shadow, None);
}
