use super::*;

#[test]
fn a_value_counts_with_all_that_is_in_it() {
    let line = Val::Record(vec![("title".into(), Val::String("x".repeat(100)))]);
    let value = Val::Result(Ok(Some(Box::new(Val::List(vec![line; 3])))));
    assert!((300..400).contains(&bytes(&value, usize::MAX)), "{}", bytes(&value, usize::MAX));
}

#[test]
fn counting_stops_soon_after_the_bound() {
    let value = Val::List(vec![Val::String("x".repeat(10)); 1000]);
    assert!(bytes(&value, 50) < 100);
}
