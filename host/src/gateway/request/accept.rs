//! The media type and the encoding that a client accepts.

#[cfg(test)]
mod tests;

use super::weights::{WEIGHT_MAX, Weight, weighted};

/// Whether a client that sent this `Accept` accepts `application/json`.
pub(in crate::gateway) fn accepts_json(accept: Option<&str>) -> bool {
    let Some(accept) = accept else { return true };
    if matches!(accept, "*/*" | "application/json") {
        return true;
    }
    // The most specific range decides, so that `application/json;q=0, */*` refuses it.
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

/// The encoding of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::gateway) enum Coding {
    Brotli,
    Zstd,
    Gzip,
}

impl Coding {
    /// All encodings; those with the smallest answers come first.
    pub(in crate::gateway) const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// Its name in `Accept-Encoding` and `Content-Encoding`.
    pub(in crate::gateway) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }
}

/// The encoding among `offered` that the client prefers according to this `Accept-Encoding`: by its weights, then in
/// their order. `None`: send the answer without encoding.
pub(in crate::gateway) fn choose_coding(accept_encoding: Option<&str>, offered: &[Coding]) -> Option<Coding> {
    let accept = accept_encoding?;
    let weight_of = |name: &str| {
        let alias = if name == "gzip" { "x-gzip" } else { name };
        let named = weighted(accept)
            .find(|(coding, _)| coding.eq_ignore_ascii_case(name) || coding.eq_ignore_ascii_case(alias))
            .map(|(_, weight)| weight);
        named.or_else(|| weighted(accept).find(|(coding, _)| *coding == "*").map(|(_, weight)| weight))
    };
    // By default, a client accepts an answer without encoding, but prefers any coding that it names.
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
