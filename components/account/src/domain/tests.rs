use super::*;

const NOW: Timestamp = Timestamp::from_unix_micros(1_767_225_600_000_000); // 2026-01-01

fn account() -> Account {
    let registration = Registration::parse("anna@example.com".into(), "Anna".into(), "correct horse".into());
    registration.expect("all is fine").open("acc_1".into(), Role::Customer, PasswordHash::of_nobody(), NOW)
}

fn address() -> AddressDetails {
    AddressDetails {
        recipient: "Anna Lee".into(),
        line1: "Main Street 1".into(),
        line2: None,
        city: "Berlin".into(),
        region: None,
        postal_code: "10115".into(),
        country: "DE".into(),
    }
}

fn card() -> PaymentMethodDetails {
    PaymentMethodDetails {
        token: "tok_ok".into(),
        brand: "Visa".into(),
        last4: "1111".into(),
        expiry_month: 12,
        expiry_year: 2030,
    }
}

/// The pointers of the faults, in order.
fn pointers(faults: &Faults) -> String {
    faults.iter().map(|(pointer, _)| pointer).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_registration_is_refused_with_all_its_faults_at_once() {
    let cases = [
        ("anna@example.com", "Anna", "12345678", ""),
        ("anna", "Anna", "12345678", "/email"),
        ("anna@example.com", " ", "12345678", "/name"),
        ("anna@example.com", "Anna", "1234567", "/password"),
        ("", "", "", "/email /name /password"),
    ];
    for (email, name, password, expected) in cases {
        let found = Registration::parse(email.into(), name.into(), password.into());
        let found = found.map_or_else(|faults| pointers(&faults), |_| String::new());
        assert_eq!(found, expected, "{email} {name} {password}");
    }
}

#[test]
fn changes_are_checked_where_they_are_given() {
    let long = "n".repeat(NAME_CHARS_MAX + 1);
    let cases = [
        (None, None, None, ""),
        (Some("Anna"), Some("a@b.c"), Some("12345678"), ""),
        (Some(long.as_str()), Some("a@b"), Some("1"), "/name /email /password"),
    ];
    for (name, email, password, expected) in cases {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let found = Changes::parse(owned(name), owned(email), owned(password));
        assert_eq!(found.map_or_else(|faults| pointers(&faults), |_| String::new()), expected);
    }
}

#[test]
fn an_address_is_checked_field_by_field() {
    type Change = fn(&mut AddressDetails);
    let cases: [(Change, &str); 10] = [
        (|_| (), ""),
        (|address| address.line2 = Some("Backyard".into()), ""),
        (|address| address.line2 = Some(String::new()), ""),
        (|address| address.recipient = String::new(), "/recipient"),
        (|address| address.line1 = "a\nb".into(), "/line1"),
        (|address| address.city = "c".repeat(201), "/city"),
        (|address| address.region = Some("\u{7}".into()), "/region"),
        (|address| address.postal_code = "1".repeat(17), "/postalCode"),
        (|address| address.country = "XX".into(), "/country"),
        (|address| address.country = "de".into(), "/country"),
    ];
    for (change, expected) in cases {
        let mut address = address();
        change(&mut address);
        let asked = format!("{address:?}");
        assert_eq!(address.check().map_or_else(|faults| pointers(&faults), |_| String::new()), expected, "{asked}");
    }
}

#[test]
fn a_payment_method_is_a_token_of_a_card_that_has_not_expired() {
    type Change = fn(&mut PaymentMethodDetails);
    let cases: [(Change, &str); 17] = [
        (|_| (), ""),
        (|card| (card.expiry_month, card.expiry_year) = (1, 2026), ""),
        (|card| card.expiry_year = u16::MAX, ""),
        (|card| (card.expiry_month, card.expiry_year) = (12, 2025), "/expiryYear"),
        (|card| card.expiry_year = 0, "/expiryYear"),
        (|card| card.expiry_month = 0, "/expiryMonth"),
        (|card| card.expiry_month = 13, "/expiryMonth"),
        (|card| card.token = "4111 1111 1111 1111".into(), "/token"),
        (|card| card.token = "tok_4111111111111111".into(), "/token"),
        (|card| card.token = String::new(), "/token"),
        (|card| card.token = "tok ok".into(), "/token"),
        (|card| card.token = "t".repeat(257), "/token"),
        (|card| card.brand = String::new(), "/brand"),
        (|card| card.brand = "Visa 4111111111111111".into(), "/brand"),
        (|card| card.last4 = "111".into(), "/last4"),
        (|card| card.last4 = "11a1".into(), "/last4"),
        (|card| card.last4 = "١١١١".into(), "/last4"),
    ];
    for (change, expected) in cases {
        let mut card = card();
        change(&mut card);
        let asked = format!("{card:?} {} {}/{}", card.token, card.expiry_month, card.expiry_year);
        assert_eq!(card.check(NOW).map_or_else(|faults| pointers(&faults), |_| String::new()), expected, "{asked}");
    }
}

#[test]
fn a_refused_card_number_is_not_repeated() {
    let faults =
        PaymentMethodDetails { token: "4111111111111111".into(), ..card() }.check(NOW).expect_err("a card number");
    assert!(faults.iter().all(|(_, detail)| !detail.contains("4111")));
}

#[test]
fn an_account_holds_so_many_addresses_and_payment_methods_and_no_more() {
    let mut account = account();
    for number in 0..ADDRESSES_MAX {
        assert!(account.add_address(format!("adr_{number}"), address()).is_ok());
    }
    for number in 0..PAYMENT_METHODS_MAX {
        assert!(account.add_payment_method(format!("pm_{number}"), card(), NOW).is_ok());
    }
    let full = account.clone();
    assert_eq!(account.add_address("adr".into(), address()), Err(Refusal::AddressesFull));
    assert_eq!(account.add_payment_method("pm".into(), card(), NOW), Err(Refusal::PaymentMethodsFull));
    assert_eq!(account, full);
}

#[test]
fn what_is_removed_is_gone_and_not_found_again() {
    let mut account = account();
    account.add_address("adr_1".into(), address()).expect("fine");
    account.add_payment_method("pm_1".into(), card(), NOW).expect("fine");
    assert!(account.checkout_details("adr_1", "pm_1").is_ok());
    assert_eq!(account.checkout_details("adr_2", "pm_1"), Err(Refusal::NoSuchAddress));
    assert_eq!(account.checkout_details("adr_1", "pm_2"), Err(Refusal::NoSuchPaymentMethod));
    assert_eq!(account.remove_address("adr_1"), Ok(()));
    assert_eq!(account.remove_address("adr_1"), Err(Refusal::NoSuchAddress));
    assert_eq!(account.remove_payment_method("pm_1"), Ok(()));
    assert_eq!(account.remove_payment_method("pm_1"), Err(Refusal::NoSuchPaymentMethod));
}
