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
