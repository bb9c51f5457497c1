use super::*;

#[test]
fn connections_leave_descriptors_to_the_rest_of_the_host() {
    let check = |wanted: usize, descriptors: Option<u64>, expected: Option<usize>| {
        assert_eq!(fitting(wanted, descriptors).ok(), expected, "{wanted} of {descriptors:?}");
    };
    check(8_192, None, Some(8_192));
    check(8_192, Some(1_048_576), Some(8_192));
    check(8_192, Some(1_024), Some(512));
    check(100, Some(1_024), Some(100));
    check(100, Some(512), None);
    check(100, Some(16), None);
}
