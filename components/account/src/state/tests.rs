//! Export and import of the state. Every implementation of the contract runs these tests.

use proptest::prelude::*;
use switchyard_sdk::native::{self, StateUnderTest};
use switchyard_sdk::time;
use wire::Guest as _;

use super::*;
use crate::bindings::exports::shop::account::account::{self as contract, Guest as _};
use crate::bindings::exports::shop::events::order_events::Guest as _;

const STATE: StateUnderTest<wire::Entity> = StateUnderTest {
    export: |after, until, limit| {
        let page = Component::export_state(after, until, limit);
        page.into_iter().map(|wire::Entry { key, value }| (key, value)).collect()
    },
    import: |changes| {
        let changes = changes.into_iter().map(|(key, value)| wire::Change { key, value });
        Component::import_state(changes.collect())
    },
};

/// A hash that is cheap to check, of `password`.
const HASH: &str = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

/// One call or event. It may be refused. No step makes a password hash, because that takes long.
#[derive(Debug, Clone)]
enum Step {
    Open,
    Rename,
    MoveTo(u8),
    AddAddress,
    RemoveAddress,
    AddPaymentMethod,
    Order,
    Cancel,
    SignIn(u8),
    SignOut(u8),
    EndSessions,
    Fail(u32),
    Succeed,
    Wait(u64),
}

fn any_step() -> impl Strategy<Value = (u8, Step)> {
    let step = prop_oneof![
        4 => Just(Step::Open),
        1 => Just(Step::Rename),
        2 => (0u8..6).prop_map(Step::MoveTo),
        2 => Just(Step::AddAddress),
        1 => Just(Step::RemoveAddress),
        2 => Just(Step::AddPaymentMethod),
        2 => Just(Step::Order),
        1 => Just(Step::Cancel),
        3 => (0u8..4).prop_map(Step::SignIn),
        1 => (0u8..4).prop_map(Step::SignOut),
        1 => Just(Step::EndSessions),
        2 => (1u32..9).prop_map(Step::Fail),
        1 => Just(Step::Succeed),
        1 => (1u64..90_000).prop_map(Step::Wait),
    ];
    (0u8..4, step)
}

fn email(number: u8) -> String {
    format!("Anna-{number}@example.com")
}

/// Opens an account as an import does: a hash that is cheap to make is enough.
fn open(id: &str, number: u8) {
    let account = wire::AccountState {
        email: email(number),
        addresses: Vec::new(),
        order_count: 0,
        created_at: time::now().to_rfc3339_micros(),
        ..anna()
    };
    let change = (format!("account/{id}"), Some(wire::Entity::Account(account)));
    STATE.import(vec![change]).expect("a good entity");
}

fn take((number, step): (u8, Step)) {
    native::advance_seconds(1);
    let id = format!("acc_{number}");
    native::sign_in(&id, "customer", None);
    let account = Component::get_account(id.clone()).ok();
    match (step, account) {
        (Step::Open, None) if reach::owner_of(&email(number)).is_none() => open(&id, number),
        (Step::Rename, Some(_)) => update(&id, Some("Lee".to_owned()), None),
        (Step::MoveTo(to), Some(_)) => update(&id, None, Some(email(to))),
        (Step::AddAddress, Some(_)) => drop(Component::add_address(id, address()).expect("an address")),
        (Step::RemoveAddress, Some(account)) => {
            let first = account.addresses.first().map_or_else(String::new, |address| address.id.clone());
            let _done = Component::remove_address(id, first);
        }
        (Step::AddPaymentMethod, Some(_)) => drop(Component::add_payment_method(id, card()).expect("a card")),
        (Step::Order, _) => Component::order_placed("ord_1".to_owned(), id),
        (Step::Cancel, _) => Component::order_cancelled("ord_1".to_owned(), id),
        (Step::SignIn(session), Some(_)) => {
            let expires_at = time::now().plus_seconds(24 * 60 * 60).to_rfc3339_micros();
            let role = WireRole::Customer;
            change_session(session, Some(wire::SessionState { account_id: id, role, expires_at }));
        }
        (Step::SignOut(session), _) => change_session(session, None),
        (Step::EndSessions, Some(_)) => reach::end_sessions(&id),
        (Step::Fail(failures), _) => {
            let last_failed_at = time::now().to_rfc3339_micros();
            change_attempts(number, Some(wire::AttemptsState { failures, last_failed_at }));
        }
        (Step::Succeed, _) => change_attempts(number, None),
        (Step::Wait(seconds), _) => {
            native::advance_seconds(seconds);
            Component::forget_expired();
        }
        _ => {}
    }
    native::sign_out();
}

fn change_session(number: u8, session: Option<wire::SessionState>) {
    let key = format!("session/{}", session_id(number));
    STATE.import(vec![(key, session.map(wire::Entity::Session))]).expect("a good entity");
}

fn change_attempts(number: u8, attempts: Option<wire::AttemptsState>) {
    let key = format!("attempts/{}", reach::hash_of(&email(number)));
    STATE.import(vec![(key, attempts.map(wire::Entity::Attempts))]).expect("a good entity");
}

fn update(id: &str, name: Option<String>, email: Option<String>) {
    let changes = contract::AccountChanges { name, email, password: None };
    let _done = native::transaction(|| Component::update_account(id.to_owned(), changes), Result::is_ok);
}

fn session_id(number: u8) -> String {
    format!("{number}").repeat(43)
}

fn address() -> contract::AddressDetails {
    contract::AddressDetails {
        recipient: "Anna Lee".into(),
        line1: "Main Street 1".into(),
        line2: None,
        city: "Berlin".into(),
        region: None,
        postal_code: "10115".into(),
        country: "DE".into(),
    }
}

fn card() -> contract::PaymentMethodDetails {
    let (token, brand, last4) = ("tok_ok".to_owned(), "Visa".to_owned(), "1111".to_owned());
    contract::PaymentMethodDetails { token, brand, last4, expiry_month: 12, expiry_year: 2030 }
}

/// The rest of what clients can see: the owners of addresses, and the live sessions.
fn seen() -> (Vec<Option<String>>, Vec<bool>) {
    let owners = (0..6).map(|number| reach::owner_of(&email(number))).collect();
    (owners, (0..4).map(|number| reach::is_live(&session_id(number))).collect())
}

proptest! {
    #[test]
    fn what_goes_out_comes_in_again(steps in prop::collection::vec(any_step(), 0..60), limit in 1u32..8) {
        native::reset();
        steps.into_iter().for_each(take);
        let (seen_before, now) = (seen(), time::now());
        STATE.assert_round_trip(limit);
        native::advance_seconds(time::now().seconds_until(now));
        prop_assert_eq!(seen(), seen_before);
    }

    #[test]
    fn a_store_follows_another_by_changes(
        steps in prop::collection::vec(any_step(), 0..40),
        more in prop::collection::vec(any_step(), 0..40),
        start in any::<u8>(),
    ) {
        native::reset();
        steps.into_iter().for_each(take);
        let before = STATE.entities(1_000);
        more.into_iter().for_each(take);
        let (seen_before, now) = (seen(), time::now());
        STATE.assert_follows(&before, start.into());
        native::advance_seconds(time::now().seconds_until(now));
        prop_assert_eq!(seen(), seen_before);
    }
}

fn anna() -> wire::AccountState {
    wire::AccountState {
        email: "Anna@example.com".into(),
        name: "Anna".into(),
        role: WireRole::Customer,
        password_hash: HASH.into(),
        addresses: Vec::new(),
        payment_methods: Vec::new(),
        order_count: 2,
        created_at: "2025-12-31T00:00:00.000001Z".into(),
    }
}

fn session() -> wire::SessionState {
    let expires_at = "2026-01-02T00:00:00.000000Z".to_owned();
    wire::SessionState { account_id: "acc_1".into(), role: WireRole::Customer, expires_at }
}

#[test]
fn an_account_that_came_in_signs_in_with_its_password() {
    native::reset();
    let changes = vec![
        (format!("session/{}", session_id(1)), Some(wire::Entity::Session(session()))),
        ("account/acc_1".to_owned(), Some(wire::Entity::Account(anna()))),
    ];
    STATE.import(changes).expect("good entities");
    let sign_in = |password: &str| {
        Component::sign_in(contract::Credentials { email: "anna@EXAMPLE.com".into(), password: password.into() })
    };
    assert_eq!(sign_in("password").map(|session| session.account_id), Ok("acc_1".to_owned()));
    assert!(sign_in("passwort").is_err());
    native::sign_in("acc_1", "customer", None);
    assert_eq!(Component::get_account("acc_1".to_owned()).map(|account| account.order_count), Ok(2));
    assert_eq!(seen().1, [false, true, false, false]);
}

#[test]
fn a_session_that_a_new_password_ended_does_not_come_back() {
    native::reset();
    take((1, Step::Open));
    take((1, Step::SignIn(1)));
    take((1, Step::EndSessions));
    assert_eq!(STATE.entities(10).len(), 1);
    let account = STATE.entities(10);
    STATE.import(vec![("account/acc_1".to_owned(), None)]).expect("it goes");
    STATE.set(&account).expect("it comes back");
    assert_eq!((seen().1, STATE.entities(10)), (vec![false; 4], account));
}

#[test]
fn an_entity_that_cannot_be_is_refused_by_key_and_field_and_nothing_changes() {
    native::reset();
    STATE.import(vec![("account/acc_1".to_owned(), Some(wire::Entity::Account(anna())))]).expect("a good entity");
    let (entities, keys) = (STATE.entities(10), native::keys());
    let account = wire::Entity::Account;
    let hash = |password_hash: &str| wire::AccountState { password_hash: password_hash.into(), ..anna() };
    let address = WireAddress {
        id: "adr_1".into(),
        recipient: String::new(),
        line1: "Main Street 1".into(),
        line2: None,
        city: "Berlin".into(),
        region: None,
        postal_code: "10115".into(),
        country: "DE".into(),
    };
    let session_key = format!("session/{}", session_id(1));
    let bad = [
        ("account/a b", account(anna()), ""),
        ("session/1", wire::Entity::Session(session()), ""),
        (&session_key, account(anna()), ""),
        (
            "account/acc_2",
            account(wire::AccountState { email: "anna".into(), name: " ".into(), ..anna() }),
            "/email /name",
        ),
        ("account/acc_2", account(hash("secret")), "/passwordHash"),
        ("account/acc_2", account(hash(&HASH.replace("m=256", "m=99999"))), "/passwordHash"),
        ("account/acc_2", account(hash(&HASH.replace("t=2", "t=0"))), "/passwordHash"),
        ("account/acc_2", account(hash(&format!("{HASH}$"))), "/passwordHash"),
        ("account/acc_2", account(wire::AccountState { addresses: vec![address], ..anna() }), "/addresses/0/recipient"),
        (
            &session_key,
            wire::Entity::Session(wire::SessionState { account_id: "a/b".into(), expires_at: "x".into(), ..session() }),
            "/accountId /expiresAt",
        ),
    ];
    for (key, value, fields) in bad {
        let good = ("account/acc_1".to_owned(), None);
        let told = STATE.import(vec![good, (key.to_owned(), Some(value))]).expect_err(key);
        let names_them = fields.split(' ').all(|field| told.contains(field));
        assert!(told.starts_with(&format!("{key}: ")) && names_them, "{told}");
        assert_eq!((STATE.entities(10), native::keys()), (entities.clone(), keys.clone()), "{key}");
    }
}
