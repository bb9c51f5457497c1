//! What a client accepts: the media type and the encoding of an answer.

use super::weights::{WEIGHT_MAX, Weight, weighted};

/// Whether a client that sent this `Accept` takes `application/json`.
pub(super) fn accepts_json(accept: Option<&str>) -> bool {
    let Some(accept) = accept else { return true };
    if matches!(accept, "*/*" | "application/json") {
        return true;
    }
    // The most exact range decides, so that `application/json;q=0, */*` refuses it.
    let mut decided: (u8, Weight) = (0, 0);
    let mut any = false;
    for (range, weight) in weighted(accept) {
        any = true;
        let exactness = match range {
            range if range.eq_ignore_ascii_case("application/json") => 3,
            range if range.eq_ignore_ascii_case("application/*") => 2,
            "*/*" => 1,
            _ => continue,
        };
        if exactness >= decided.0 {
            decided = (exactness, weight);
        }
    }
    !any || decided.1 > 0
}

/// How the bytes of an answer are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Coding {
    Brotli,
    Zstd,
    Gzip,
}

impl Coding {
    /// All of them, those that make answers smallest first.
    pub(super) const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// Its name in `Accept-Encoding` and `Content-Encoding`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }
}

/// The one of `offered` that a client that sent this `Accept-Encoding` likes best, by its weights and then in their
/// order; none where it had better be sent as it is.
pub(super) fn choose_coding(accept_encoding: Option<&str>, offered: &[Coding]) -> Option<Coding> {
    let accept = accept_encoding?;
    let weight_of = |name: &str| {
        let alias = if name == "gzip" { "x-gzip" } else { name };
        let named = weighted(accept)
            .find(|(coding, _)| coding.eq_ignore_ascii_case(name) || coding.eq_ignore_ascii_case(alias))
            .map(|(_, weight)| weight);
        named.or_else(|| weighted(accept).find(|(coding, _)| *coding == "*").map(|(_, weight)| weight))
    };
    // Unless the client says otherwise, it is content with what is not encoded, but likes anything named better.
    let plain = weighted(accept).find(|(coding, _)| coding.eq_ignore_ascii_case("identity")).map_or(0, |(_, w)| w);
    let mut best: Option<(Coding, Weight)> = None;
    for coding in offered {
        let weight = weight_of(coding.name()).unwrap_or(0).min(WEIGHT_MAX);
        if weight > 0 && weight >= plain && best.is_none_or(|(_, so_far)| weight > so_far) {
            best = Some((*coding, weight));
        }
    }
    best.map(|(coding, _)| coding)
}

#[cfg(test)]
mod tests {
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
}
