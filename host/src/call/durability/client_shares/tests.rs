use super::*;

#[test]
fn a_full_share_refuses_its_client_and_no_other() {
    let shares = ClientShares::new(100_000);
    shares.add(1, 1_000, 999);
    assert_eq!(shares.check(1, 1_000), Ok(()));
    shares.add(1, 1_000, 500);
    let again = shares.check(1, 1_000).unwrap_err();
    assert!((1..=60).contains(&again), "half a share refills in half of the time: {again}");
    assert_eq!(shares.check(2, 1_000), Ok(()));
}

#[test]
fn a_share_refills_with_time() {
    let shares = ClientShares::new(1);
    shares.add(1, 10, 20);
    let full = clock::now();
    while shares.check(1, 10).is_err() {
        assert!(clock::now() < full + Duration::from_secs(5), "2 ms refill it");
        std::hint::spin_loop();
    }
}

#[test]
fn the_memory_of_clients_is_bounded() {
    let shares = ClientShares::new(u64::MAX / 2);
    (0..ANSWER_CLIENTS_MAX as u64 + 10).for_each(|client| shares.add(client, 10, 10));
    assert!(shares.lock().len() <= ANSWER_CLIENTS_MAX + 1);
}
