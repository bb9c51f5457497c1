//! The list of items on sale: all by SKU, of a category, or found by a search.
//!
//! Invariant: one call reads at most [`ITEMS_READ_MAX`] items. A search with few hits returns an incomplete page, with
//! a cursor to continue.

use switchyard_sdk::Problem;
use switchyard_sdk::paging::{PageOf, PageRequest};

use crate::domain::item::{self, Item, Sku};
use crate::domain::search::Search;
use crate::domain::stock::Stock;
use crate::storage::{self, Items};

/// Maximum of items that one call reads, so that a search stays within a call's time and memory.
const ITEMS_READ_MAX: usize = 1_000;

/// Items per read of a search.
const CHUNK_ITEMS: u32 = 100;

/// The selection of items.
pub(crate) struct Listing {
    search: Search,
    category: Option<String>,
    page: PageRequest,
}

impl Listing {
    pub(crate) fn parse(
        query: Option<&str>,
        category: Option<String>,
        cursor: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Self, Problem> {
        let query = query.unwrap_or_default();
        let search = Search::parse(query)
            .ok_or_else(|| Problem::malformed_parameter("query", "must be at most 200 characters"))?;
        // A category contains no line break, so that no two lists have the same name.
        let list = ["items\n", category.as_deref().unwrap_or_default(), "\n", query].concat();
        let page = PageRequest::parse(list, cursor, limit)?;
        Ok(Self { search, category, page })
    }

    /// The items of the page, with their stock.
    pub(crate) fn read(&self) -> PageOf<(Sku, Item, Stock)> {
        if self.search.is_empty() && self.category.is_none() {
            return self.read_straight();
        }
        let wanted = usize::try_from(self.page.limit()).unwrap_or(usize::MAX);
        let (mut found, mut read) = (Vec::new(), 0);
        let mut position = self.page.after().map(str::to_owned);
        loop {
            let Items { items, more } = self.chunk(position.as_deref());
            let in_chunk = items.len();
            for (number, (sku, item)) in items.into_iter().enumerate() {
                position = Some(sku.as_str().to_owned());
                if self.search.finds(&item) {
                    let stock = storage::stock(&sku).unwrap_or_default();
                    found.push((sku, item, stock));
                }
                if found.len() == wanted {
                    return self.page_of(found, position.filter(|_| more || number + 1 < in_chunk));
                }
            }
            read += in_chunk;
            if !more || read >= ITEMS_READ_MAX {
                return self.page_of(found, position.filter(|_| more));
            }
        }
    }

    /// The page without a filter: two parallel scans.
    fn read_straight(&self) -> PageOf<(Sku, Item, Stock)> {
        let Items { items, more } = storage::items_behind(self.page.after(), self.page.limit());
        let mut stocks = storage::stocks_behind(self.page.after(), self.page.limit()).into_iter().peekable();
        let with_stock = |(sku, item): (Sku, Item)| {
            while stocks.next_if(|(name, _)| name.as_str() < sku.as_str()).is_some() {}
            let stock = stocks.next_if(|(name, _)| name == sku.as_str()).map(|(_, stock)| stock);
            (sku, item, stock.unwrap_or_default())
        };
        let items: Vec<_> = items.into_iter().map(with_stock).collect();
        let position = items.last().map(|(sku, ..)| sku.as_str().to_owned());
        self.page_of(items, position.filter(|_| more))
    }

    fn chunk(&self, after: Option<&str>) -> Items {
        let limit = if self.search.is_empty() { self.page.limit() } else { CHUNK_ITEMS };
        match &self.category {
            None => storage::items_behind(after, limit),
            Some(category) if item::is_category(category) => storage::items_of_category_behind(category, after, limit),
            Some(_) => Items { items: Vec::new(), more: false },
        }
    }

    fn page_of<T>(&self, items: Vec<T>, next: Option<String>) -> PageOf<T> {
        PageOf { items, next_cursor: next.map(|position| self.page.cursor(&position)) }
    }
}

#[cfg(test)]
mod tests {
    use switchyard_sdk::native;

    use super::*;
    use crate::domain::item::{
        Details,
        tests::{mug, sku},
    };

    /// 250 items; every tenth is in the garden category, every hundredth is blue.
    fn fill() {
        native::reset();
        for number in 0..250u32 {
            let category = if number % 10 == 0 { "Garden" } else { "Kitchen" };
            let title = if number % 100 == 0 { "Blue mug" } else { "Mug" };
            let details = Details { title: title.to_owned(), category: category.to_owned(), ..mug() };
            let sku = sku(&format!("mug-{number:03}"));
            storage::set_item(&sku, &details.check().expect("an item"), None);
            storage::set_stock(&sku, &Stock::default().received(number + 1).expect("a delivery"));
        }
    }

    /// All pages of a list: the numbers of the items, and how many pages there were.
    fn follow(query: &str, category: Option<&str>, limit: u32) -> (Vec<u32>, usize) {
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        for pages in 1.. {
            let category = category.map(str::to_owned);
            let listing = Listing::parse(Some(query), category, cursor.as_deref(), Some(limit)).expect("a list");
            let page = listing.read();
            assert!(page.items.len() <= limit as usize);
            for (sku, _, stock) in page.items {
                let number: u32 = sku.as_str()["mug-".len()..].parse().expect("a number");
                assert_eq!(stock.available(), number + 1, "each item comes with its own stock");
                seen.push(number);
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return (seen, pages);
            }
        }
        unreachable!("pages end")
    }

    #[test]
    fn following_the_cursors_gives_every_match_once_by_sku() {
        fill();
        let all = |step: usize| (0..250).step_by(step).collect::<Vec<u32>>();
        assert_eq!(follow("", None, 100), (all(1), 3));
        assert_eq!(follow("", Some("Garden"), 10), (all(10), 3));
        assert_eq!(follow("blue", None, 2), (all(100), 2));
        assert_eq!(follow("BLUE mug", Some("Garden"), 100), (all(100), 1));
        assert_eq!(follow("blue", Some("Kitchen"), 100), (vec![], 1));
        assert_eq!(follow("", Some("Garde"), 100), (vec![], 1));
        assert_eq!(follow("", Some("Garden\nmug"), 100), (vec![], 1));
        assert_eq!(follow("", Some(&"x".repeat(3000)), 100), (vec![], 1));
    }

    #[test]
    fn a_call_reads_so_many_items_and_gives_a_cursor_to_go_on_from() {
        native::reset();
        for number in 0..1_250u32 {
            let item = mug().check().expect("an item");
            storage::set_item(&sku(&format!("mug-{number:04}")), &item, None);
        }
        let page = Listing::parse(Some("nothing"), None, None, None).expect("a list").read();
        let cursor = page.next_cursor.expect("more to read");
        assert!(page.items.is_empty());
        let page = Listing::parse(Some("nothing"), None, Some(&cursor), None).expect("a list").read();
        assert_eq!((page.items.len(), page.next_cursor), (0, None));
    }

    #[test]
    fn a_changed_category_moves_the_item() {
        fill();
        let moved = sku("mug-010");
        let before = storage::item(&moved).expect("an item");
        let item = Item { category: "Attic".to_owned(), ..before.clone() };
        storage::set_item(&moved, &item, Some(&before));
        assert_eq!(follow("", Some("Attic"), 10).0, [10]);
        assert_eq!(follow("", Some("Garden"), 100).0.len(), 24);
    }

    #[test]
    fn what_is_asked_for_in_the_wrong_form_is_named() {
        let parameter = |query: &str, cursor, limit| match Listing::parse(Some(query), None, cursor, limit) {
            Err(Problem::Malformed(faults)) => faults.errors[0].parameter.clone().unwrap_or_default(),
            _ => String::new(),
        };
        assert_eq!(parameter(&"x".repeat(201), None, None), "query");
        assert_eq!(parameter("", Some("x"), None), "cursor");
        assert_eq!(parameter("", None, Some(101)), "limit");
        assert_eq!(parameter("", None, Some(100)), "");
    }
}
