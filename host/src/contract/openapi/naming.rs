//! Names that are unique in the whole document, and short where they can be.

use std::collections::HashMap;

/// A name for each of `items`, different from each other and from `taken`. `candidate` gives the name of an item at a
/// level: 0 is the shortest; from level 3 on, different items have different names.
pub(super) fn distinct<T>(items: &[T], taken: &[&str], candidate: impl Fn(&T, usize) -> String) -> Vec<String> {
    let mut levels = vec![0; items.len()];
    loop {
        let names: Vec<_> = items.iter().zip(&levels).map(|(item, level)| candidate(item, *level)).collect();
        let mut uses: HashMap<&str, usize> = taken.iter().map(|name| (*name, 1)).collect();
        for name in &names {
            *uses.entry(name).or_insert(0) += 1;
        }
        let mut again = false;
        for (name, level) in names.iter().zip(&mut levels) {
            if *level < 3 && uses.get(name.as_str()).is_some_and(|uses| *uses > 1) {
                *level += 1;
                again = true;
            }
        }
        if !again {
            return names;
        }
    }
}

/// `["cart", "order-page"]` as `CartOrderPage`.
pub(super) fn pascal(parts: &[&str]) -> String {
    let words = parts.iter().flat_map(|part| part.split('-'));
    words.fold(String::new(), |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.extend(letters);
        name
    })
}

/// `["cart", "get-order"]` as `cartGetOrder`.
pub(super) fn camel(parts: &[&str]) -> String {
    let name = pascal(parts);
    let mut letters = name.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

/// `cart` of `shop:cart/cart@1.0.0`.
pub(super) fn interface_name(interface: &str) -> &str {
    let unversioned = interface.split('@').next().unwrap_or_default();
    unversioned.rsplit('/').next().unwrap_or_default()
}

/// `cart` of `shop:cart/cart@1.0.0`.
pub(super) fn package_name(interface: &str) -> &str {
    let package = interface.split('/').next().unwrap_or_default();
    package.rsplit(':').next().unwrap_or_default()
}
