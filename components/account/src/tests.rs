//! The service from its clients' view, on the stand-in of the host.

use switchyard_sdk::native;
use wire::{Guest as _, SignInProblem};

use super::*;

const PASSWORD: &str = "correct horse";

fn register(email: &str) -> wire::Account {
    try_register(email).expect("the address is free")
}

fn try_register(email: &str) -> Result<wire::Account, Problem> {
    let (email, name, password) = (email.to_owned(), "Anna".to_owned(), PASSWORD.to_owned());
    Component::create_account(wire::NewAccount { email, name, password })
}

/// Signs in as the host runs it: writes are kept after a success, and after errors marked `commits`.
fn sign_in(email: &str, password: &str) -> Result<wire::Session, SignInProblem> {
    let credentials = wire::Credentials { email: email.to_owned(), password: password.to_owned() };
    let keeps = |answer: &Result<_, SignInProblem>| matches!(answer, Ok(_) | Err(SignInProblem::Rejected(_)));
    native::transaction(|| Component::sign_in(credentials), keeps)
}

/// Makes the next calls carry a session's token.
fn carry(session: &wire::Session) {
    let identity = Component::authenticate(session.token.clone()).expect("the session is live");
    native::sign_in(&identity.id, &identity.role, identity.session.as_deref());
}

fn is_live(session: &wire::Session) -> bool {
    Component::authenticate(session.token.clone()).is_some()
}

fn changes() -> wire::AccountChanges {
    wire::AccountChanges { name: None, email: None, password: None }
}

fn address() -> wire::AddressDetails {
    wire::AddressDetails {
        recipient: "Anna Lee".into(),
        line1: "Main Street 1".into(),
        line2: None,
        city: "Berlin".into(),
        region: None,
        postal_code: "10115".into(),
        country: "DE".into(),
    }
}

fn card(token: &str) -> wire::PaymentMethodDetails {
    let (token, brand, last4) = (token.to_owned(), "Visa".to_owned(), "1111".to_owned());
    wire::PaymentMethodDetails { token, brand, last4, expiry_month: 12, expiry_year: 2030 }
}

#[test]
fn an_e_mail_address_has_one_account_whatever_its_case() {
    native::reset();
    let account = register("Anna@Example.com");
    assert_eq!(account.email, "Anna@Example.com");
    assert_eq!(account.created_at, "2026-01-01T00:00:00.000Z");
    assert!(matches!(try_register("anna@EXAMPLE.com"), Err(Problem::Conflict(_))));
    assert!(sign_in("ANNA@example.com", PASSWORD).is_ok());
}

#[test]
fn a_session_is_its_customers_until_sign_out_or_a_day_later() {
    native::reset();
    let account = register("anna@example.com");
    let (first, second) = (sign_in(&account.email, PASSWORD), sign_in(&account.email, PASSWORD));
    let (first, second) = (first.expect("the right password"), second.expect("the right password"));
    assert_eq!(first.expires_at, "2026-01-02T00:00:00.000Z");
    let identity = Component::authenticate(first.token.clone()).expect("live");
    assert_eq!((identity.id.as_str(), identity.role.as_str()), (account.id.as_str(), "customer"));
    carry(&first);
    assert_eq!(Component::sign_out(), Ok(()));
    assert!(!is_live(&first) && is_live(&second));
    assert!(matches!(Component::sign_out(), Err(Problem::Unauthenticated(_))));
    native::advance_seconds(86_399);
    assert!(is_live(&second));
    native::advance_seconds(1);
    assert!(!is_live(&second));
}

#[test]
fn no_token_is_stored() {
    native::reset();
    register("anna@example.com");
    let session = sign_in("anna@example.com", PASSWORD).expect("the right password");
    assert!(native::keys().iter().all(|key| !key.contains(&session.token)));
    for token in ["", "x", &session.token[1..], &format!("{}x", session.token), "../../account/x"] {
        assert_eq!(Component::authenticate(token.to_owned()), None, "{token}");
    }
}

#[test]
fn a_new_password_ends_every_other_session() {
    native::reset();
    let account = register("anna@example.com");
    let sessions = [(); 3].map(|()| sign_in(&account.email, PASSWORD).expect("the right password"));
    carry(&sessions[1]);
    let new = wire::AccountChanges { password: Some("battery staple".into()), ..changes() };
    Component::update_account(account.id.clone(), new).expect("a good password");
    assert_eq!(sessions.each_ref().map(is_live), [false, true, false]);
    assert!(matches!(sign_in(&account.email, PASSWORD), Err(SignInProblem::Rejected(_))));
    assert!(is_live(&sign_in(&account.email, "battery staple").expect("the new password")));
}

#[test]
fn staff_who_change_a_password_end_the_customers_sessions_and_not_their_own() {
    native::reset();
    let account = register("anna@example.com");
    native::sign_in("operator", caller::OPERATOR, None);
    Component::create_staff("sue@example.com".into(), "Sue".into(), PASSWORD.into()).expect("the operator may");
    let customers = sign_in(&account.email, PASSWORD).expect("the right password");
    let staffs = sign_in("sue@example.com", PASSWORD).expect("the right password");
    carry(&staffs);
    let new = wire::AccountChanges { password: Some("battery staple".into()), ..changes() };
    Component::update_account(account.id, new).expect("staff may");
    assert_eq!([&customers, &staffs].map(is_live), [false, true]);
}

#[test]
fn an_address_and_name_change_and_the_address_before_is_free_again() {
    native::reset();
    let account = register("anna@example.com");
    register("ben@example.com");
    native::sign_in(&account.id, caller::CUSTOMER, None);
    let to = |email: &str| wire::AccountChanges { email: Some(email.to_owned()), ..changes() };
    assert!(matches!(Component::update_account(account.id.clone(), to("Ben@example.com")), Err(Problem::Conflict(_))));
    for email in ["ANNA@example.com", "lee@example.com"] {
        let changed = Component::update_account(account.id.clone(), to(email)).expect("free, or its own");
        assert_eq!((changed.email.as_str(), changed.name.as_str()), (email, "Anna"));
    }
    assert!(sign_in("lee@example.com", PASSWORD).is_ok());
    assert!(try_register("anna@example.com").is_ok());
    let unchanged = Component::update_account(account.id.clone(), changes()).expect("nothing to change");
    assert_eq!(Component::get_account(account.id), Ok(unchanged));
}

#[test]
fn failures_slow_the_next_sign_in_alike_with_and_without_an_account() {
    for known in [true, false] {
        native::reset();
        if known {
            register("anna@example.com");
        }
        for failure in 1..=5 {
            let answer = sign_in("Anna@example.com", "wrong password");
            assert!(matches!(answer, Err(SignInProblem::Rejected(_))), "{known} {failure}");
        }
        let Err(SignInProblem::Slowed(slow_down)) = sign_in("anna@example.com", PASSWORD) else { panic!("{known}") };
        assert_eq!(slow_down.retry_after_seconds, 1);
        native::advance_seconds(1);
        assert_eq!(sign_in("anna@example.com", PASSWORD).is_ok(), known);
    }
}

#[test]
fn a_refused_sign_in_costs_the_same_with_and_without_an_account() {
    use crate::domain::password::tests::HASHES;

    native::reset();
    register("anna@example.com");
    for (email, password) in [("anna@example.com", "wrong password"), ("ben@example.com", PASSWORD)] {
        let before = HASHES.get();
        assert!(matches!(sign_in(email, password), Err(SignInProblem::Rejected(_))), "{email}");
        assert_eq!(HASHES.get() - before, 1, "{email}");
    }
}

#[test]
fn a_success_forgets_the_failures_before_it() {
    native::reset();
    register("anna@example.com");
    for round in 0..3 {
        for _ in 0..4 {
            assert!(
                matches!(sign_in("anna@example.com", "wrong password"), Err(SignInProblem::Rejected(_))),
                "{round}"
            );
        }
        assert!(sign_in("anna@example.com", PASSWORD).is_ok(), "{round}");
    }
}

#[test]
fn what_could_never_be_right_is_invalid_and_not_counted() {
    native::reset();
    for (email, password) in [("anna", PASSWORD), ("anna@example.com", &"x".repeat(257))] {
        assert!(matches!(sign_in(email, password), Err(SignInProblem::Invalid(_))), "{email}");
    }
    assert_eq!(native::keys(), [""; 0]);
}

#[test]
fn sessions_and_failures_are_forgotten_after_their_time_and_not_before() {
    native::reset();
    register("anna@example.com");
    let kept = native::keys();
    sign_in("anna@example.com", PASSWORD).expect("the right password");
    for _ in 0..3 {
        sign_in("ben@example.com", "wrong password").expect_err("nobody");
    }
    native::advance_seconds(86_399);
    let before = native::keys();
    Component::forget_expired();
    assert_eq!(native::keys(), before);
    native::advance_seconds(1);
    Component::forget_expired();
    assert_eq!(native::keys(), kept);
}

#[test]
fn a_failure_is_remembered_for_a_day_from_the_last_one_on() {
    native::reset();
    for _ in 0..6 {
        sign_in("ben@example.com", "wrong password").expect_err("nobody");
        native::advance_seconds(43_200);
    }
    // There were failures a day ago too; their expiry must not delete the others.
    Component::forget_expired();
    native::advance_seconds(43_199);
    Component::forget_expired();
    assert_eq!(native::keys().len(), 2);
    native::advance_seconds(1);
    Component::forget_expired();
    assert_eq!(native::keys(), [""; 0]);
}

#[test]
fn an_account_is_there_for_its_customer_and_staff_alone() {
    native::reset();
    let account = register("anna@example.com");
    let ask = || Component::get_account(account.id.clone());
    assert!(matches!(ask(), Err(Problem::Unauthenticated(_))));
    native::sign_in("acc_other", caller::CUSTOMER, None);
    assert!(matches!(ask(), Err(Problem::NotFound(_))));
    native::sign_in("acc_staff", caller::STAFF, None);
    assert_eq!(ask(), Ok(account.clone()));
    for id in ["", "acc_none", "a/b", &"x".repeat(2000)] {
        assert!(matches!(Component::get_account(id.to_owned()), Err(Problem::NotFound(_))), "{id}");
    }
    assert!(matches!(Component::add_address(account.id.clone(), address()), Err(Problem::NotFound(_))));
    native::sign_in(&account.id, caller::CUSTOMER, None);
    assert_eq!(ask(), Ok(account.clone()));
}

#[test]
fn staff_accounts_come_from_the_operator_alone() {
    native::reset();
    let create = || Component::create_staff("sue@example.com".into(), "Sue".into(), PASSWORD.into());
    for role in [None, Some(caller::CUSTOMER), Some(caller::STAFF)] {
        native::reset();
        if let Some(role) = role {
            native::sign_in("acc_1", role, None);
        }
        assert!(matches!(create(), Err(Problem::Forbidden(_))), "{role:?}");
    }
    native::sign_in("operator", caller::OPERATOR, None);
    assert_eq!(create().map(|account| account.role), Ok(wire::Role::Staff));
    let session = sign_in("sue@example.com", PASSWORD).expect("the right password");
    assert_eq!(Component::authenticate(session.token).map(|identity| identity.role), Some("staff".to_owned()));
}

#[test]
fn what_is_added_is_in_the_account_without_the_token_and_serves_a_checkout() {
    native::reset();
    let account = register("anna@example.com");
    native::sign_in(&account.id, caller::CUSTOMER, None);
    let address = Component::add_address(account.id.clone(), address()).expect("a good address");
    let method = Component::add_payment_method(account.id.clone(), card("tok_ok")).expect("a good card");
    let now = Component::get_account(account.id.clone()).expect("its own");
    assert_eq!(
        (now.addresses.as_slice(), now.payment_methods.as_slice()),
        (&[address.clone()][..], &[method.clone()][..])
    );
    let details = Component::get_checkout_details(account.id.clone(), address.id.clone(), method.id.clone());
    assert_eq!(details.map(|details| details.payment_token), Ok("tok_ok".to_owned()));
    assert_eq!(Component::remove_address(account.id.clone(), address.id.clone()), Ok(()));
    assert_eq!(Component::remove_payment_method(account.id.clone(), method.id.clone()), Ok(()));
    for gone in [
        Component::remove_address(account.id.clone(), address.id.clone()),
        Component::remove_payment_method(account.id.clone(), method.id.clone()),
    ] {
        assert!(matches!(gone, Err(Problem::NotFound(_))), "{gone:?}");
    }
}

#[test]
fn a_checkout_is_told_which_choice_is_none_of_the_customers() {
    native::reset();
    let account = register("anna@example.com");
    native::sign_in(&account.id, caller::CUSTOMER, None);
    let address = Component::add_address(account.id.clone(), address()).expect("a good address");
    let method = Component::add_payment_method(account.id.clone(), card("tok_ok")).expect("a good card");
    let cases = [
        (address.id.as_str(), "pm_none", "payment-method-id"),
        ("adr_none", method.id.as_str(), "address-id"),
        (&"x".repeat(3000), "", "address-id"),
    ];
    for (address_id, method_id, parameter) in cases {
        let refused = Component::get_checkout_details(account.id.clone(), address_id.to_owned(), method_id.to_owned());
        let Err(Problem::Invalid(faults)) = refused else { panic!("{refused:?}") };
        assert_eq!(faults.errors[0].parameter.as_deref(), Some(parameter));
    }
}

#[test]
fn a_card_number_is_refused_and_nothing_of_it_is_kept() {
    native::reset();
    let account = register("anna@example.com");
    native::sign_in(&account.id, caller::CUSTOMER, None);
    let refused = Component::add_payment_method(account.id.clone(), card("4111-1111-1111-1111"));
    let Err(Problem::Invalid(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(faults.errors[0].field.as_deref(), Some("/token"));
    assert_eq!(Component::get_account(account.id.clone()), Ok(account));
}

#[test]
fn orders_placed_and_not_cancelled_are_counted_for_accounts_that_exist() {
    use order_events::Guest as _;

    native::reset();
    let account = register("anna@example.com");
    let kept = native::keys();
    for nobody in ["acc_none", "", "a/b", &"x".repeat(2000)] {
        Component::order_placed("ord_1".into(), nobody.into());
    }
    assert_eq!(native::keys(), kept);
    for order in ["ord_1", "ord_2", "ord_3"] {
        Component::order_placed(order.into(), account.id.clone());
    }
    Component::order_cancelled("ord_2".into(), account.id.clone());
    native::sign_in(&account.id, caller::CUSTOMER, None);
    assert_eq!(Component::get_account(account.id).map(|account| account.order_count), Ok(2));
}
