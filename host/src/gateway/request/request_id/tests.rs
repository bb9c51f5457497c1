use std::collections::HashSet;

use super::*;

#[test]
fn no_two_ids_are_alike() {
    let (one, other) = (RequestIds::new().expect("random"), RequestIds::new().expect("random"));
    let ids: HashSet<_> = (0..1000).flat_map(|_| [one.next(), other.next()]).collect();
    assert_eq!(ids.len(), 2000);
    assert!(ids.iter().all(|id| id.as_str().len() == 32));
}
