//! Search: finds the items that contain every word in title or description, whatever the case.

use crate::domain::item::Item;

/// Longest search, in characters, because each word is searched in each item.
pub(crate) const QUERY_CHARS_MAX: usize = 200;

/// The words of a search, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Search {
    words: Vec<String>,
}

impl Search {
    /// The words of `query`, separated by white space. `None` if it is too long.
    #[must_use]
    pub(crate) fn parse(query: &str) -> Option<Self> {
        let words = || query.split_whitespace().map(str::to_lowercase).collect();
        (query.chars().count() <= QUERY_CHARS_MAX).then(|| Self { words: words() })
    }

    /// Whether it has no words, so that every item matches.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether `item` contains every word.
    #[must_use]
    pub(crate) fn finds(&self, item: &Item) -> bool {
        if self.is_empty() {
            return true;
        }
        let (title, description) = (item.title.to_lowercase(), item.description.to_lowercase());
        self.words.iter().all(|word| title.contains(word) || description.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::item::{Details, tests::mug};

    #[test]
    fn a_search_finds_what_has_every_word() {
        let details = Details { title: "Große TASSE".to_owned(), description: "aus Steinzeug".to_owned(), ..mug() };
        let item = details.check().expect("an item");
        let cases = [
            ("", true),
            ("  ", true),
            ("tasse", true),
            ("TASSE steinzeug", true),
            ("stein", true),
            ("GROßE", true),
            ("tasse glas", false),
            ("kitchen", false),
        ];
        for (query, found) in cases {
            assert_eq!(Search::parse(query).expect("short").finds(&item), found, "{query:?}");
        }
    }

    #[test]
    fn a_search_has_an_end() {
        assert!(Search::parse(&"ü".repeat(200)).is_some());
        assert_eq!(Search::parse(&"ü".repeat(201)), None);
    }
}
