//! The catalogue of items on sale: `catalogue/<sku>`. Every list and search walks it, because there is no index.

use serde::{Deserialize, Serialize};
use switchyard_sdk::store::{self, Direction, Page, Scan};
use switchyard_sdk::{Faults, Money};

/// The prefix of the keys of products.
pub(crate) const PREFIX: &str = "catalogue/";

const SKU_BYTES_MAX: usize = 64;
const TITLE_CHARS_MAX: usize = 200;
const DESCRIPTION_CHARS_MAX: usize = 4_000;
const CATEGORY_CHARS_MAX: usize = 60;
const IMAGE_BYTES_MAX: usize = 2_048;
const PRICE_MINOR_UNITS_MAX: i64 = 1_000_000_000_000;
const WEIGHT_GRAMS_MAX: u32 = 1_000_000;

/// One thing that is on sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Product {
    pub(crate) title: String,
    pub(crate) category: String,
    pub(crate) weight_grams: u32,
    pub(crate) price: Money,
    pub(crate) image: String,
    pub(crate) description: String,
}

impl Product {
    /// Refuses what may not be on sale; `price` may be refused already.
    pub(crate) fn check(self, price: Result<Money, Faults>) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        faults.line("/title", &self.title, 1..=TITLE_CHARS_MAX);
        let printable = |letter: char| !letter.is_control() || "\n\r\t".contains(letter);
        let described =
            self.description.chars().count() <= DESCRIPTION_CHARS_MAX && self.description.chars().all(printable);
        faults.check(described, "/description", "must be at most 4,000 characters");
        faults.line("/category", &self.category, 1..=CATEGORY_CHARS_MAX);
        faults.check(is_image(&self.image), "/image", "must be a path or an http(s) URL of at most 2,048 bytes");
        faults.check(self.weight_grams <= WEIGHT_GRAMS_MAX, "/weightGrams", "must be at most 1,000,000");
        let price = faults.take(price);
        let fits = price.is_none_or(|price| (0..=PRICE_MINOR_UNITS_MAX).contains(&price.minor_units));
        faults.check(fits, "/price/amount", "must be 0 to 1,000,000,000,000");
        faults.complete(price.map(|price| Self { price, ..self }))
    }
}

/// Whether `text` is a SKU: 1 to 64 letters, digits, `.`, `_` and `-`, a letter or digit first.
pub(crate) fn is_sku(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    plain && text.len() <= SKU_BYTES_MAX && text.starts_with(|first: char| first.is_ascii_alphanumeric())
}

/// A path, or a URL of the web.
fn is_image(text: &str) -> bool {
    let web = |scheme: &str| ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let scheme = text.split_once(':').map(|(scheme, _)| scheme).filter(|scheme| !scheme.contains(['/', '?', '#']));
    let visible = text.chars().all(|letter| !letter.is_whitespace() && !letter.is_control());
    (1..=IMAGE_BYTES_MAX).contains(&text.len()) && visible && scheme.is_none_or(web)
}

pub(crate) fn product(sku: &str) -> Option<Product> {
    if is_sku(sku) { store::get(&key(sku)) } else { None }
}

pub(crate) fn put(sku: &str, product: &Product) {
    store::set(&key(sku), product);
}

pub(crate) fn remove(sku: &str) {
    store::delete(&key(sku));
}

/// Products behind one SKU, by SKU.
pub(crate) fn behind(sku: Option<&str>, limit: u32) -> Page<Product> {
    let after = sku.map(key);
    store::scan(&Scan { prefix: PREFIX, after: after.as_deref(), direction: Direction::Ascending, limit })
}

fn key(sku: &str) -> String {
    [PREFIX, sku].concat()
}
