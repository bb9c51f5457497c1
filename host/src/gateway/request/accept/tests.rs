use proptest::prelude::*;

use super::*;

#[test]
fn json_is_had_where_the_most_exact_range_says_so() {
    let check = |accept: &str, expected: bool| assert_eq!(accepts_json(Some(accept)), expected, "{accept:?}");
    assert!(accepts_json(None));
    check("*/*", true);
    check("application/json", true);
    check("Application/JSON; charset=utf-8", true);
    check("text/html, application/*;q=0.1", true);
    check("text/html,application/xhtml+xml,*/*;q=0.8", true);
    check("text/html", false);
    check("application/xml", false);
    check("application/json;q=0, */*", false);
    check("application/*;q=0, */*", false);
    check("*/*;q=0", false);
    check("", true);
}

#[test]
fn the_coding_is_the_one_liked_best() {
    let check = |accept: &str, expected: Option<Coding>| {
        assert_eq!(choose_coding(Some(accept), &Coding::ALL), expected, "{accept:?}");
    };
    assert_eq!(choose_coding(None, &Coding::ALL), None);
    check("gzip, deflate, br, zstd", Some(Coding::Brotli));
    check("gzip, deflate", Some(Coding::Gzip));
    check("x-gzip", Some(Coding::Gzip));
    check("br;q=0.5, gzip;q=0.8", Some(Coding::Gzip));
    check("*", Some(Coding::Brotli));
    check("br;q=0, *", Some(Coding::Zstd));
    check("identity, gzip;q=0.5", None);
    check("gzip;q=0", None);
    check("deflate", None);
    check("", None);
}

proptest! {
    #[test]
    fn what_was_refused_is_never_chosen(accept in "(gzip|br|zstd|identity|\\*)(;q=(0|1|0\\.[0-9]))?(, ?(gzip|br|zstd|\\*)(;q=(0|1))?){0,3}") {
        if let Some(coding) = choose_coding(Some(&accept), &Coding::ALL) {
            let named = weighted(&accept).find(|(name, _)| *name == coding.name());
            prop_assert!(named.is_none_or(|(_, weight)| weight > 0), "{accept}");
        }
    }
}
