use super::*;

#[test]
fn a_surface_is_there_until_two_more_have_come() {
    let worlds: [Worlds; 3] = std::array::from_fn(|_| Worlds::from([]));
    let apis = PublicApis::new(PublicApi::new(&worlds[0]).expect("no routes"));
    let made = worlds.each_ref().map(|worlds| apis.of(worlds));
    let check = |number: usize, is_there: bool| {
        assert_eq!(Arc::ptr_eq(&apis.of(&worlds[number]), &made[number]), is_there, "{number}");
    };
    check(1, true);
    check(2, true);
    check(0, false);
}
