//! The service as its clients see it, over the stand-in of the host.

use contract::{Guest as _, SignInProblem};
use order_events::Guest as _;
use switchyard_sdk::native;

use super::*;

const PASSWORD: &str = "correct horse";

fn register(email: &str) -> Result<contract::Account, Problem> {
    let (email, name, password) = (email.to_owned(), "Anna".to_owned(), PASSWORD.to_owned());
    Component::create_account(contract::NewAccount { email, name, password })
}

fn sign_in(email: &str, password: &str) -> Result<contract::Session, SignInProblem> {
    let credentials = contract::Credentials { email: email.to_owned(), password: password.to_owned() };
    let keeps = |answer: &Result<_, SignInProblem>| matches!(answer, Ok(_) | Err(SignInProblem::Rejected(_)));
    native::transaction(|| Component::sign_in(credentials), keeps)
}

/// Makes the calls that follow carry a session's token.
fn carry(session: &contract::Session) {
    let identity = Component::authenticate(session.token.clone()).expect("the session is live");
    native::sign_in(&identity.id, &identity.role, identity.session.as_deref());
}

fn is_live(session: &contract::Session) -> bool {
    Component::authenticate(session.token.clone()).is_some()
}

#[test]
fn a_new_password_ends_every_other_session() {
    native::reset();
    let account = register("Anna@Example.com").expect("a free address");
    assert!(matches!(register("anna@example.COM"), Err(Problem::Conflict(_))));
    let first = sign_in("anna@example.com", PASSWORD).expect("the right password");
    let second = sign_in("ANNA@example.com", PASSWORD).expect("the right password");
    carry(&second);
    let password = Some("another horse".to_owned());
    let changes = contract::AccountChanges { name: None, email: None, password };
    Component::update_account(account.id.clone(), changes).expect("their own");
    assert_eq!((is_live(&first), is_live(&second)), (false, true));
    assert!(sign_in("anna@example.com", PASSWORD).is_err());
    assert_eq!(Component::sign_out(), Ok(()));
    assert!(!is_live(&second));
    assert!(Component::sign_out().is_err());
}

#[test]
fn failed_sign_ins_are_slowed_whether_there_is_an_account_or_not() {
    for email in ["anna@example.com", "nobody@example.com"] {
        native::reset();
        register("anna@example.com").expect("a free address");
        for _ in 0..5 {
            assert!(matches!(sign_in(email, "wrong"), Err(SignInProblem::Rejected(_))));
        }
        for seconds in [1, 2] {
            let Err(SignInProblem::Slowed(slowed)) = sign_in(email, PASSWORD) else { panic!("{email}") };
            assert_eq!(slowed.retry_after_seconds, seconds, "{email}");
            native::advance_seconds(seconds.into());
            assert!(matches!(sign_in(email, "wrong"), Err(SignInProblem::Rejected(_))), "{email}");
        }
        native::advance_seconds(24 * 60 * 60);
        Component::forget_expired();
        assert!(matches!(sign_in(email, "wrong"), Err(SignInProblem::Rejected(_))), "forgotten");
    }
}

#[test]
fn addresses_and_cards_are_added_and_removed_one_by_one() {
    native::reset();
    let account = register("anna@example.com").expect("a free address");
    native::sign_in(&account.id, "customer", None);
    let address = || contract::AddressDetails {
        recipient: "Anna Lee".into(),
        line1: "Main Street 1".into(),
        line2: None,
        city: "Berlin".into(),
        region: None,
        postal_code: "10115".into(),
        country: "DE".into(),
    };
    let ids: Vec<String> =
        (0..3).map(|_| Component::add_address(account.id.clone(), address()).expect("a good address").id).collect();
    Component::remove_address(account.id.clone(), ids[1].clone()).expect("it is there");
    assert!(matches!(Component::remove_address(account.id.clone(), ids[1].clone()), Err(Problem::NotFound(_))));
    Component::order_placed("ord_1".to_owned(), account.id.clone());
    Component::order_placed("ord_1".to_owned(), "acc_none".to_owned());
    let shown = Component::get_account(account.id.clone()).expect("their own");
    let found: Vec<_> = shown.addresses.iter().map(|address| address.id.clone()).collect();
    assert_eq!((found, shown.order_count), (vec![ids[0].clone(), ids[2].clone()], 1));
    let card = |token: &str| contract::PaymentMethodDetails {
        token: token.to_owned(),
        brand: "visa".into(),
        last4: "4242".into(),
        expiry_month: 12,
        expiry_year: 2030,
    };
    assert!(matches!(
        Component::add_payment_method(account.id.clone(), card("4111111111111111")),
        Err(Problem::Invalid(_))
    ));
    let method = Component::add_payment_method(account.id.clone(), card("tok_ok")).expect("a good card");
    let details = Component::get_checkout_details(account.id.clone(), ids[2].clone(), method.id.clone());
    assert_eq!(details.map(|details| details.payment_token), Ok("tok_ok".to_owned()));
    let other = Component::get_checkout_details(account.id, ids[1].clone(), method.id);
    assert!(matches!(other, Err(Problem::Invalid(_))));
}
