use super::*;
use crate::journal::simulated::SimulatedDisk;
use crate::store::Stores;
use crate::store::system::{INTENTS, Usage};

const HOUR: u64 = 3_600_000_000;

#[tokio::test]
async fn what_comes_before_a_time_goes_with_what_belongs_to_it_and_all_else_stays() {
    let cart = ServiceName::parse("cart").expect("a name");
    let stores = Stores::open_on(
        &SimulatedDisk::new(5).as_disk(),
        &crate::call::api::tests::STORE,
        &[(cart.clone(), 1 << 20)],
        None,
    );
    let stores = stores.expect("an empty disk");
    let store = stores.service(&cart).expect("it is there");
    // More than go in one commit.
    for number in 0..600_u32 {
        let mut id = [0; 16];
        id.iter_mut().zip(number.to_be_bytes()).for_each(|(place, byte)| *place = byte);
        let (id, time) = (CallId(id), HOUR * u64::from(number % 3));
        let mut transaction = store.begin();
        let aged = AgedCall { began_at: time, call: id };
        for write in [MEMOS.put(&aged, "kept"), ANSWERS.put(&id, "kept"), ANSWER_EXPIRIES.put(&aged, "kept")] {
            transaction.write_row(write);
        }
        transaction.write_row(INTENTS.put(&id, "kept"));
        transaction.commit(CommitDetails { call: id, data_version: None }).await.expect("a commit");
    }
    let all = 4 * 600;
    let memos = async |before| delete_before(&store, &MEMOS, before).await;
    let answers = async |before| delete_before(&store, &ANSWER_EXPIRIES, before).await;
    memos(0).await.expect("nothing to do");
    assert_eq!(count(&store), all);
    memos(HOUR).await.expect("a third goes");
    assert_eq!(count(&store), all - 200);
    answers(2 * HOUR).await.expect("two thirds go, each with its answer");
    assert_eq!(count(&store), all - 200 - 800);
    memos(u64::MAX / 2).await.expect("all go");
    answers(u64::MAX / 2).await.expect("all go");
    assert_eq!(count(&store), 600, "intents go when their calls end");
    assert_eq!(store.usage(&INTENTS), Usage { rows: 600, bytes: 600 * (1 + 16 + 4) });
}

/// How many rows are in the store.
fn count(store: &Store) -> u64 {
    let usages = [store.usage(&MEMOS), store.usage(&ANSWERS), store.usage(&ANSWER_EXPIRIES), store.usage(&INTENTS)];
    usages.iter().map(|usage| usage.rows).sum()
}
