use super::*;

/// A pool of `max` instances, with `reserved` instances for each of the services `a` and `b`.
fn pool(max: usize, reserved: usize) -> (State, [ServiceName; 2]) {
    let names = ["a", "b"].map(|name| ServiceName::parse(name).expect("a name"));
    let shares = names.iter().map(|name| (name.clone(), Share { reserved, in_use: 0 })).collect();
    (State { max, in_use: 0, unused: 2 * reserved, shares }, names)
}

#[test]
fn a_service_that_takes_all_it_can_leaves_the_reserves_of_others() {
    let (mut pool, [a, b]) = pool(5, 2);
    let taken = (0..10).filter(|_| pool.take(&a)).count();
    assert_eq!(taken, 3, "its own reserve, and what is nobody's");
    assert!(pool.take(&b) && pool.take(&b), "the reserve of b");
    assert!(!pool.take(&b) && !pool.take(&a), "all are in use");
    pool.give_back(&a);
    assert!(pool.take(&b), "a has its reserve already");
    pool.give_back(&b);
    pool.give_back(&b);
    pool.give_back(&b);
    assert!(!pool.take(&a) || pool.in_use <= 3, "the reserve of b is free again, and only for b");
    assert!(pool.take(&b) && pool.take(&b));
}

#[test]
fn instances_that_are_given_back_can_be_used_again() {
    let (mut pool, [a, b]) = pool(7, 2);
    for _ in 0..3 {
        let taken: Vec<_> = [&a, &b, &a, &b, &a, &a].into_iter().filter(|name| pool.take(name)).collect();
        assert_eq!(taken.len(), 6);
        taken.into_iter().for_each(|name| pool.give_back(name));
        assert_eq!((pool.in_use, pool.unused), (0, 4));
    }
}

#[tokio::test]
async fn a_call_waits_for_an_instance_until_one_is_free_or_its_time_is_over() {
    let instances = Instances::new(1);
    let name = ServiceName::parse("a").expect("a name");
    let soon = || crate::clock::now() + std::time::Duration::from_millis(50);
    let late = || crate::clock::now() + std::time::Duration::from_secs(20);
    let first = instances.enter(&name, soon).await.expect("it is free");
    assert_eq!(instances.enter(&name, soon).await.map(drop), Err(Refused::NoInstance));
    let (second, ()) = tokio::join!(instances.enter(&name, late), async {
        tokio::task::yield_now().await;
        drop(first);
    });
    second.expect("the first is given back");
}
