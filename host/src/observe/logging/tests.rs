use super::*;

#[test]
fn a_filter_is_levels_by_target() {
    let check = |filter: &str, good: bool| assert_eq!(check_filter(filter).is_ok(), good, "{filter:?}");
    check("info", true);
    check("warn,switchyard::journal=debug", true);
    check("off", true);
    check("switchyard=loud", false);
    check("info,=", false);
}
