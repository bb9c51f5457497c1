//! Lists with weights, as `Accept` and `Accept-Encoding` have them: `gzip;q=0.5, *`.

/// Thousandths: 1,000 is what is liked best, 0 what is not wanted at all.
pub(super) type Weight = u16;

pub(super) const WEIGHT_MAX: Weight = 1_000;

/// The items of a list, each with its weight. An item whose weight is malformed is left out.
pub(super) fn weighted(list: &str) -> impl Iterator<Item = (&str, Weight)> {
    list.split(',').filter_map(|item| {
        let mut pieces = item.split(';').map(str::trim);
        let name = pieces.next().filter(|name| !name.is_empty())?;
        let quality = pieces.find_map(|piece| piece.strip_prefix("q=").or_else(|| piece.strip_prefix("Q=")));
        Some((name, quality.map_or(Some(WEIGHT_MAX), weight)?))
    })
}

/// `0`, `1`, or one of them with up to three decimals, at most 1.
fn weight(text: &str) -> Option<Weight> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{decimals:0<3}").parse::<Weight>().ok()?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(WEIGHT_MAX),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_weight_is_at_most_one_and_has_three_decimals() {
        let check = |list: &str, expected: &[(&str, Weight)]| {
            assert_eq!(weighted(list).collect::<Vec<_>>(), expected, "{list:?}");
        };
        check("gzip", &[("gzip", 1000)]);
        check("gzip;q=0.5, br ; q=1.0,*;q=0", &[("gzip", 500), ("br", 1000), ("*", 0)]);
        check("text/html;level=1;q=0.025", &[("text/html", 25)]);
        check("a;q=1.001, b;q=2, c;q=.5, d;q=0.1234, e;q=-1, f;q=", &[]);
        check(", ,;q=1,", &[]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(list in ".{0,200}") {
            for (name, weight) in weighted(&list) {
                prop_assert!(!name.is_empty() && weight <= WEIGHT_MAX);
            }
        }

        #[test]
        fn what_is_written_is_read(items in proptest::collection::vec(("[a-z]{1,8}", 0..=WEIGHT_MAX), 0..8)) {
            let list: Vec<_> = items
                .iter()
                .map(|(name, weight)| format!("{name};q={}.{:03}", weight / 1000, weight % 1000))
                .collect();
            let read: Vec<_> = weighted(&list.join(", ")).map(|(name, weight)| (name.to_owned(), weight)).collect();
            prop_assert_eq!(read, items);
        }
    }
}
