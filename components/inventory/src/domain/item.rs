//! Items on sale: valid SKUs, and valid details of an item.

use serde::{Deserialize, Serialize};
use switchyard_sdk::{Faults, Money};

/// The longest SKU, in bytes: a key must have room for it and a category.
pub(crate) const SKU_BYTES_MAX: usize = 64;

/// Longest title, in characters: a line of a page.
pub(crate) const TITLE_CHARS_MAX: usize = 200;

/// Longest description, in characters: a page of text. An answer must have room for a list of 100 items.
pub(crate) const DESCRIPTION_CHARS_MAX: usize = 4_000;

/// Longest category, in characters.
pub(crate) const CATEGORY_CHARS_MAX: usize = 60;

/// Longest path or URL of a picture, in bytes, that browsers accept.
pub(crate) const IMAGE_BYTES_MAX: usize = 2_048;

/// Highest price, in minor units: a thousand pieces of each of a hundred items still fit in 63 bits.
pub(crate) const PRICE_MINOR_UNITS_MAX: i64 = 1_000_000_000_000;

/// Heaviest item, in grams: a tonne.
pub(crate) const WEIGHT_GRAMS_MAX: u32 = 1_000_000;

/// The shop's own id of an item: 1 to 64 ASCII letters, digits, `.`, `_` and `-`, a letter or digit first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Sku(String);

impl Sku {
    /// `None` if `text` is not a valid SKU.
    #[must_use]
    pub(crate) fn parse(text: String) -> Option<Self> {
        let of_sku = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let starts = text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
        (starts && text.len() <= SKU_BYTES_MAX && text.bytes().all(of_sku)).then_some(Self(text))
    }

    /// Its text.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Its text.
    #[must_use]
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// An item on sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) category: String,
    /// At least zero.
    pub(crate) price: Money,
    /// A path or URL.
    pub(crate) image: String,
    pub(crate) weight_grams: u32,
}

/// The unchecked details of an item.
#[derive(Debug)]
pub(crate) struct Details {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) category: String,
    /// The money, or its faults.
    pub(crate) price: Result<Money, Faults>,
    pub(crate) image: String,
    pub(crate) weight_grams: u32,
}

impl Details {
    /// The item, if all details are valid.
    ///
    /// # Errors
    ///
    /// All faults, each with its JSON pointer.
    pub(crate) fn check(self) -> Result<Item, Faults> {
        let Self { title, description, category, price, image, weight_grams } = self;
        let mut faults = Faults::new();
        faults.check(is_line(&title, TITLE_CHARS_MAX), "/title", "must be 1 to 200 characters on one line");
        faults.check(is_text(&description), "/description", "must be at most 4,000 characters");
        faults.check(is_category(&category), "/category", "must be 1 to 60 characters on one line");
        faults.check(is_image(&image), "/image", "must be a path or an http(s) URL of at most 2,048 bytes");
        faults.check(weight_grams <= WEIGHT_GRAMS_MAX, "/weightGrams", "must be at most 1,000,000");
        let Some(price) = faults.take(price) else { return Err(faults) };
        let in_bounds = (0..=PRICE_MINOR_UNITS_MAX).contains(&price.minor_units);
        faults.check(in_bounds, "/price/amount", "must be 0 to 1,000,000,000,000");
        faults.into_result(Item { title, description, category, price, image, weight_grams })
    }
}

/// Whether a text is a valid category. An invalid one has no items and no key.
#[must_use]
pub(crate) fn is_category(text: &str) -> bool {
    is_line(text, CATEGORY_CHARS_MAX)
}

fn is_line(text: &str, chars_max: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= chars_max && !text.contains(char::is_control)
}

fn is_text(text: &str) -> bool {
    let of_text = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\r' | '\t');
    text.chars().count() <= DESCRIPTION_CHARS_MAX && text.chars().all(of_text)
}

/// A path, or an http(s) URL: nothing that a browser would execute.
fn is_image(text: &str) -> bool {
    let plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
    let scheme = text.find(':').and_then(|end| text.get(..end)).filter(|scheme| !scheme.contains(['/', '?', '#']));
    let fetched =
        scheme.is_none_or(|scheme| scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http"));
    (1..=IMAGE_BYTES_MAX).contains(&text.len()) && text.chars().all(plain) && fetched
}

#[cfg(test)]
pub(crate) mod tests {
    use switchyard_sdk::Currency;

    use super::*;

    pub(crate) fn sku(text: &str) -> Sku {
        Sku::parse(text.to_owned()).expect("a SKU")
    }

    pub(crate) fn mug() -> Details {
        Details {
            title: "Mug".to_owned(),
            description: "Holds coffee.\nAnd tea.".to_owned(),
            category: "Kitchen".to_owned(),
            price: Ok(Money::new(1299, Currency::EUR)),
            image: "/img/mug.svg".to_owned(),
            weight_grams: 350,
        }
    }

    #[test]
    fn a_sku_is_short_and_plain() {
        for good in ["MUG-1", "a", "0", "kettle_1.5L", &"x".repeat(64)] {
            assert!(Sku::parse(good.to_owned()).is_some(), "{good:?}");
        }
        for bad in ["", "-mug", ".", "a b", "a/b", "ä", "mug\n", &"x".repeat(65)] {
            assert!(Sku::parse(bad.to_owned()).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn each_detail_has_its_bounds() {
        let price = |amount| Ok(Money::new(amount, Currency::EUR));
        let cases: Vec<(Details, &str)> = vec![
            (mug(), ""),
            (Details { title: String::new(), ..mug() }, "/title"),
            (Details { title: "  ".to_owned(), ..mug() }, "/title"),
            (Details { title: "a\nb".to_owned(), ..mug() }, "/title"),
            (Details { title: "ü".repeat(200), ..mug() }, ""),
            (Details { title: "ü".repeat(201), ..mug() }, "/title"),
            (Details { description: String::new(), ..mug() }, ""),
            (Details { description: "a\0".to_owned(), ..mug() }, "/description"),
            (Details { description: "ü".repeat(4001), ..mug() }, "/description"),
            (Details { category: String::new(), ..mug() }, "/category"),
            (Details { category: "x".repeat(61), ..mug() }, "/category"),
            (Details { category: "Home / Garden".to_owned(), ..mug() }, ""),
            (Details { image: String::new(), ..mug() }, "/image"),
            (Details { image: "a b".to_owned(), ..mug() }, "/image"),
            (Details { image: "img/mug.svg?v=1:2".to_owned(), ..mug() }, ""),
            (Details { image: "https://cdn.example.com/mug.png".to_owned(), ..mug() }, ""),
            (Details { image: "javascript:alert(1)".to_owned(), ..mug() }, "/image"),
            (Details { image: "x".repeat(2049), ..mug() }, "/image"),
            (Details { price: price(0), ..mug() }, ""),
            (Details { price: price(-1), ..mug() }, "/price/amount"),
            (Details { price: price(PRICE_MINOR_UNITS_MAX), ..mug() }, ""),
            (Details { price: price(PRICE_MINOR_UNITS_MAX + 1), ..mug() }, "/price/amount"),
            (Details { price: Err(Faults::at("/price/currency", "unknown")), ..mug() }, "/price/currency"),
            (Details { weight_grams: 0, ..mug() }, ""),
            (Details { weight_grams: WEIGHT_GRAMS_MAX + 1, ..mug() }, "/weightGrams"),
        ];
        for (details, pointer) in cases {
            let told = format!("{details:?}");
            let faults = details.check().err().unwrap_or_default();
            assert_eq!(faults.iter().map(|(pointer, _)| pointer).collect::<String>(), pointer, "{told}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let details = Details { title: String::new(), weight_grams: u32::MAX, ..mug() };
        let faults = details.check().expect_err("two faults");
        assert_eq!(faults.iter().map(|(pointer, _)| pointer).collect::<Vec<_>>(), ["/title", "/weightGrams"]);
    }
}
