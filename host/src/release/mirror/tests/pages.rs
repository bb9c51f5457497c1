//! Which pages a commit touches, among thousands of them in groups of groups.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::release::mirror::pages::Pages;
use crate::store::ReadSet;

/// Pages enough for three levels of groups.
const PAGES: usize = 6_000;

/// The key of a page, and what it reads besides: one entry that others read too.
fn page(at: usize) -> (String, String) {
    (format!("{at:05}"), format!("shared{:03}", at % 500))
}

fn reads(store: &Store, at: usize) -> ReadSet {
    let mut transaction = store.begin_read();
    let (own, shared) = page(at);
    transaction.get(&own).unwrap();
    transaction.get(&shared).unwrap();
    transaction.into_reads()
}

async fn commit(store: &Store, keys: &[String]) {
    let mut transaction = store.begin();
    for key in keys {
        transaction.set(key, "new").unwrap();
    }
    transaction.commit(NO_CALL).await.unwrap();
}

fn dirty(pages: &Pages) -> BTreeSet<String> {
    pages.next_dirty(usize::MAX).into_iter().map(|(after, _)| after).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn a_commit_touches_the_pages_that_read_something_of_it_and_no_others(
        order in Just((1..PAGES).collect::<Vec<_>>()).prop_shuffle(),
        written in prop::collection::vec((0..PAGES, any::<bool>()), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let host = Host::open(SimulatedDisk::new(1));
            let store = host.store();
            let mut pages = Pages::new(store.last_commit());
            pages.insert(String::new(), None, ReadSet::nothing());
            for at in order {
                pages.insert(page(at).0, None, reads(&store, at));
            }
            assert_eq!(pages.count(), PAGES);
            for (at, own) in written {
                let (key, shared) = page(at);
                commit(&store, &[if own { key.clone() } else { shared }]).await;
                pages.mark_dirty(&store, Generation::First);
                let reads_it = |other: &usize| if own { *other == at } else { other % 500 == at % 500 };
                let expected: BTreeSet<_> = (1..PAGES).filter(reads_it).map(|other| page(other).0).collect();
                assert_eq!(dirty(&pages), expected);
                for after in expected {
                    pages.mark_read(&after, None, None);
                }
            }
            // All at once, when the commits in between are not known any more.
            let many: Vec<_> = (0..PAGES).map(|at| page(at).0).collect();
            for keys in many.chunks(500) {
                commit(&store, keys).await;
            }
            pages.mark_dirty(&store, Generation::First);
            assert!(dirty(&pages).len() >= PAGES - 1);
        });
    }
}
