use super::*;
use crate::journal::simulated::SimulatedDisk;
use crate::names::ServiceName;
use crate::store::Stores;
use crate::store::system::{INTENTS, Usage};

const HOUR: u64 = 3_600_000_000;

fn open() -> (Stores, Store) {
    let cart = ServiceName::parse("cart").expect("a name");
    let (disk, quotas) = (SimulatedDisk::new(5).as_disk(), [(cart.clone(), 1 << 20)]);
    let stores = Stores::open_on(&disk, &crate::call::api::tests::STORE, &quotas, None).expect("an empty disk");
    let store = stores.service(&cart).expect("it is there");
    (stores, store)
}

#[tokio::test]
async fn guests_answers_are_evicted_oldest_first_and_those_of_accounts_stay() {
    const ANSWER_BYTES: usize = 100;
    let (_stores, store) = open();
    for number in 0..200_u8 {
        let call = CallId([number; 16]);
        let aged = AgedCall { began_at: u64::from(number), call };
        let mut transaction = store.begin();
        transaction.write_row(ANSWERS.put(&call, vec![0; ANSWER_BYTES]));
        transaction.write_row(ANSWER_EXPIRIES.put(&aged, vec![u8::from(number % 2 == 0)]));
        transaction.commit(CommitDetails { call, data_version: None }).await.expect("a commit");
    }
    let Usage { rows, bytes } = store.usage(&ANSWERS);
    evict_guests(&store, bytes * 2).await.expect("nothing to do");
    assert_eq!(store.usage(&ANSWERS).rows, rows, "half of the room is free");
    evict_guests(&store, bytes).await.expect("the oldest go");
    let is_kept = |number: u8| store.get_row(&ANSWERS, &CallId([number; 16])).expect("it can be read").is_some();
    let gone: Vec<_> = (0..200).filter(|number| !is_kept(*number)).collect();
    assert!(gone.iter().all(|number| number % 2 == 0), "answers of accounts are gone: {gone:?}");
    assert!(gone.len() >= 80 && gone.iter().copied().eq((0..200).step_by(2).take(gone.len())), "{gone:?}");
}

#[tokio::test]
async fn old_memos_and_answers_are_deleted_and_all_other_rows_stay() {
    let (_stores, store) = open();
    // More than fit in one commit.
    for number in 0..600_u32 {
        let mut id = [0; 16];
        id.iter_mut().zip(number.to_be_bytes()).for_each(|(place, byte)| *place = byte);
        let (id, time) = (CallId(id), HOUR * u64::from(number % 3));
        let mut transaction = store.begin();
        let aged = AgedCall { began_at: time, call: id };
        let memo = MemoKey { began_at: time, root: CallId([u8::from(number % 2 == 0); 16]), call: id };
        for write in [MEMOS.put(&memo, "kept"), ANSWERS.put(&id, "kept"), ANSWER_EXPIRIES.put(&aged, "kept")] {
            transaction.write_row(write);
        }
        transaction.write_row(INTENTS.put(&id, "kept"));
        transaction.commit(CommitDetails { call: id, data_version: None }).await.expect("a commit");
    }
    let all = 4 * 600;
    let needed: RepeatableCalls = Arc::new(|| Ok(HashSet::from([CallId([1; 16])])));
    let none: RepeatableCalls = Arc::new(|| Ok(HashSet::new()));
    let unknown: RepeatableCalls = Arc::new(|| Err(StoreError::ReadOnly));
    let answers = async |before| delete_answers(&store, before).await;
    delete_memos(&store, 0, &none).await.expect("nothing to do");
    delete_memos(&store, HOUR, &unknown).await.expect_err("it is not known which are needed");
    assert_eq!(count(&store), all);
    delete_memos(&store, HOUR, &needed).await.expect("half of a third goes");
    assert_eq!(count(&store), all - 100, "the memos of a call that may run again stay");
    delete_memos(&store, HOUR, &none).await.expect("the other half goes");
    assert_eq!(count(&store), all - 200);
    answers(2 * HOUR).await.expect("two thirds go, each with its answer");
    assert_eq!(count(&store), all - 200 - 800);
    delete_memos(&store, u64::MAX / 2, &none).await.expect("all go");
    answers(u64::MAX / 2).await.expect("all go");
    assert_eq!(count(&store), 600, "intents go when their calls end");
    assert_eq!(store.usage(&INTENTS), Usage { rows: 600, bytes: 600 * (1 + 16 + 4) });
}

/// The number of rows in the store.
fn count(store: &Store) -> u64 {
    let usages = [store.usage(&MEMOS), store.usage(&ANSWERS), store.usage(&ANSWER_EXPIRIES), store.usage(&INTENTS)];
    usages.iter().map(|usage| usage.rows).sum()
}
