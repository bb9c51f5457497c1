use super::*;
use crate::gateway::connections::client::Client;

const SECOND: u64 = 1_000_000_000;

fn client(number: u32) -> ClientKey {
    Client::new(std::net::SocketAddr::from((number.to_be_bytes(), 1))).key
}

#[test]
fn a_burst_and_then_the_rate() {
    let rates = Rates::new(10, 3);
    for _ in 0..3 {
        assert_eq!(rates.take_at(client(1), SECOND), Ok(()));
    }
    assert_eq!(rates.take_at(client(1), SECOND), Err(SECOND / 10));
    assert_eq!(rates.take_at(client(2), SECOND), Ok(()), "another client has tokens of its own");
    assert_eq!(rates.take_at(client(1), SECOND + SECOND / 10), Ok(()));
    assert_eq!(rates.take_at(client(1), SECOND + SECOND / 10), Err(SECOND / 10));
    let later = 100 * SECOND;
    let allowed = (0..5).filter(|_| rates.take_at(client(1), later).is_ok()).count();
    assert_eq!(allowed, 3, "no more than a burst is saved up");
}

#[test]
fn the_table_does_not_grow_with_the_number_of_clients() {
    let rates = Rates::new(1, 1);
    let held = |rates: &Rates| -> usize {
        rates.shards.iter().map(|shard| shard.lock().expect("no test panics").spent_until.len()).sum()
    };
    let clients = u32::try_from(RATED_CLIENTS_MAX).expect("it is small") * 2;
    let allowed = (0..clients).filter(|number| rates.take_at(client(*number), SECOND).is_ok()).count();
    assert!(held(&rates) <= RATED_CLIENTS_MAX);
    assert!(allowed <= RATED_CLIENTS_MAX + SHARDS, "newcomers share one bucket");
    assert_eq!(rates.take_at(client(clients), 3 * SECOND), Ok(()));
    assert!(held(&rates) < RATED_CLIENTS_MAX, "those with a full bucket are dropped");
}
