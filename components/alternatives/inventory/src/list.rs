//! The list of what is on sale. It walks the catalogue, at most [`READ_MAX`] products in one call.

use switchyard_sdk::Problem;
use switchyard_sdk::paging::{PageOf, PageRequest};

use crate::catalogue::{self, PREFIX, Product};

const READ_MAX: usize = 1_000;
const READ_AT_ONCE: u32 = 100;
const QUERY_CHARS_MAX: usize = 200;

/// The page that a client asks for.
pub(crate) fn read(
    query: Option<&str>,
    category: Option<&str>,
    cursor: Option<&str>,
    limit: Option<u32>,
) -> Result<PageOf<(String, Product)>, Problem> {
    let query = query.unwrap_or_default();
    if query.chars().count() > QUERY_CHARS_MAX {
        return Err(Problem::malformed_parameter("query", "must be at most 200 characters"));
    }
    // No category has a line break.
    let list = ["items\n", category.unwrap_or_default(), "\n", query].concat();
    let request = PageRequest::parse(list, cursor, limit)?;
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let is_wanted = |product: &Product| {
        let (title, description) = (product.title.to_lowercase(), product.description.to_lowercase());
        category.is_none_or(|category| category == product.category)
            && words.iter().all(|word| title.contains(word) || description.contains(word))
    };
    Ok(walk(&request, is_wanted))
}

fn walk(request: &PageRequest, is_wanted: impl Fn(&Product) -> bool) -> PageOf<(String, Product)> {
    let wanted = usize::try_from(request.limit()).unwrap_or(usize::MAX);
    let (mut items, mut read) = (Vec::new(), 0);
    let mut last = request.after().map(str::to_owned);
    loop {
        let page = catalogue::behind(last.as_deref(), READ_AT_ONCE);
        let mut entries = page.entries.into_iter();
        while items.len() < wanted
            && let Some((key, product)) = entries.next()
        {
            read += 1;
            let sku = key.strip_prefix(PREFIX).unwrap_or_default().to_owned();
            last = Some(sku.clone());
            if is_wanted(&product) {
                items.push((sku, product));
            }
        }
        let more = page.more || entries.len() > 0;
        if !more || read >= READ_MAX || items.len() == wanted {
            return PageOf { items, next_cursor: last.filter(|_| more).map(|last| request.cursor(&last)) };
        }
    }
}
