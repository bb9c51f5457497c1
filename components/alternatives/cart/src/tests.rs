//! The service as its clients see it, over stand-ins of the host and of the other services.

use contract::{CartStatus, CheckoutProblem, Guest as _, LineChange, OrderStatus as ContractStatus};
use switchyard_sdk::native;

use super::*;

/// The other services: everything costs 10 euros and its shipping 5; `gone` is not on sale.
pub(crate) mod services {
    use std::cell::RefCell;

    use switchyard_sdk::{Currency, Money, Problem};

    use crate::bindings::shop::account::account::{Address, CheckoutDetails, PaymentMethod};
    use crate::bindings::shop::inventory::inventory::{Line, PricedItem, Reservation};
    use crate::bindings::shop::payment::payment::{ChargeDetails, Payment, PaymentStatus};
    use crate::bindings::shop::shipping::shipping::{
        QuoteRequest, Quotes, Shipment, ShipmentDetails, ShipmentStatus, ShippingOption,
    };

    thread_local! {
        /// The calls that were made.
        pub(crate) static CALLS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
        /// The step that is refused.
        pub(crate) static REFUSED: RefCell<Option<(&'static str, Problem)>> = const { RefCell::new(None) };
    }

    fn step<T>(name: &'static str, answer: T) -> Result<T, Problem> {
        CALLS.with_borrow_mut(|calls| calls.push(name));
        let refusal = REFUSED.with_borrow(|refused| {
            refused.as_ref().filter(|(step, _)| *step == name).map(|(_, problem)| problem.clone())
        });
        refusal.map_or(Ok(answer), Err)
    }

    pub(crate) fn price_items(skus: &[String]) -> Result<Vec<PricedItem>, Problem> {
        if skus.iter().any(|sku| sku == "gone") {
            return Err(Problem::not_found("no such item"));
        }
        let price = || Money::new(1000, Currency::EUR).into();
        let item = |sku: &String| PricedItem {
            sku: sku.clone(),
            title: sku.clone(),
            price: price(),
            weight_grams: 100,
            available: 5,
        };
        Ok(skus.iter().map(item).collect())
    }

    pub(crate) fn get_checkout_details(
        _account_id: &str,
        address_id: &str,
        payment_method_id: &str,
    ) -> Result<CheckoutDetails, Problem> {
        let text = str::to_owned;
        let address = Address {
            id: text(address_id),
            recipient: text("Anna"),
            line1: text("1 Road"),
            line2: None,
            city: text("Bonn"),
            region: None,
            postal_code: text("53111"),
            country: text("DE"),
        };
        let id = text(payment_method_id);
        let payment_method =
            PaymentMethod { id, brand: text("visa"), last4: text("4242"), expiry_month: 1, expiry_year: 2030 };
        step("details", CheckoutDetails { address, payment_method, payment_token: text("tok_ok") })
    }

    pub(crate) fn reserve(order_id: &str, _lines: &[Line]) -> Result<Reservation, Problem> {
        let (order_id, expires_at) = (order_id.to_owned(), String::new());
        step("reserve", Reservation { order_id, lines: Vec::new(), expires_at })
    }

    pub(crate) fn confirm(_order_id: &str) -> Result<(), Problem> {
        step("confirm", ())
    }

    pub(crate) fn release(_order_id: &str) -> Result<(), Problem> {
        step("release", ())
    }

    pub(crate) fn charge(details: &ChargeDetails) -> Result<Payment, Problem> {
        step(
            "charge",
            Payment {
                id: "pay_1".to_owned(),
                order_id: details.order_id.clone(),
                amount: details.amount.clone(),
                status: PaymentStatus::Captured,
                method: details.method.clone(),
                decline_code: None,
                refunds: Vec::new(),
            },
        )
    }

    pub(crate) fn void(_order_id: &str) -> Result<(), Problem> {
        step("void", ())
    }

    pub(crate) fn refund_all(_payment_id: &str, _reason: &str) -> Result<(), Problem> {
        step("refund-all", ())
    }

    pub(crate) fn quote(_request: &QuoteRequest) -> Result<Quotes, Problem> {
        let price = Money::new(500, Currency::EUR).into();
        let (option, carrier) = ("standard".to_owned(), "Post".to_owned());
        step("quote", Quotes { options: vec![ShippingOption { option, carrier, price, estimated_days: 3 }] })
    }

    pub(crate) fn schedule(details: &ShipmentDetails) -> Result<Shipment, Problem> {
        step(
            "schedule",
            Shipment {
                id: "shp_1".to_owned(),
                order_id: details.order_id.clone(),
                option: details.option.clone(),
                tracking_number: "T1".to_owned(),
                status: ShipmentStatus::Scheduled,
                events: Vec::new(),
            },
        )
    }

    pub(crate) fn cancel(_order_id: &str) -> Result<(), Problem> {
        step("cancel", ())
    }

    pub(crate) fn order_placed(_order_id: &str, _account_id: &str) {
        CALLS.with_borrow_mut(|calls| calls.push("placed"));
    }

    pub(crate) fn order_cancelled(_order_id: &str, _account_id: &str) {
        CALLS.with_borrow_mut(|calls| calls.push("cancelled"));
    }
}

fn calls() -> String {
    services::CALLS.take().join(" ")
}

fn start() {
    native::reset();
    services::REFUSED.set(None);
    calls();
}

/// As the host does: what a refused call wrote is gone, unless its case commits.
fn call<T>(call: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    let keeps =
        |answer: &Result<T, Problem>| matches!(answer, Ok(_) | Err(Problem::Declined(_) | Problem::Unreachable(_)));
    native::transaction(call, keeps)
}

fn create() -> String {
    native::advance_seconds(1);
    call(Component::create_cart).expect("anyone may").id
}

fn set(cart_id: &str, sku: &str, quantity: u32) -> Result<contract::Cart, Problem> {
    call(|| Component::set_line(cart_id.to_owned(), sku.to_owned(), LineChange { quantity }))
}

fn lines(cart: &contract::Cart) -> String {
    cart.lines.iter().map(|line| format!("{}:{}", line.sku, line.quantity)).collect::<Vec<_>>().join(" ")
}

fn check_out(cart_id: &str) -> Result<contract::Order, CheckoutProblem> {
    expecting(cart_id, None)
}

fn expecting(cart_id: &str, total: Option<i64>) -> Result<contract::Order, CheckoutProblem> {
    let text = str::to_owned;
    let (address_id, payment_method_id, shipping_option) = (text("adr_1"), text("pm_1"), text("standard"));
    let expected_total = total.map(|amount| ContractMoney { amount, currency: text("EUR") });
    let request = contract::CheckoutRequest { address_id, payment_method_id, shipping_option, expected_total };
    let keeps = |answer: &Result<_, CheckoutProblem>| {
        matches!(answer, Ok(_) | Err(CheckoutProblem::Declined(_) | CheckoutProblem::Unreachable(_)))
    };
    native::transaction(|| Component::checkout(cart_id.to_owned(), request), keeps)
}

#[test]
fn lines_keep_their_place_until_they_are_removed() {
    start();
    let cart_id = create();
    set(&cart_id, "b", 2).expect("on sale");
    set(&cart_id, "a", 1).expect("on sale");
    let cart = set(&cart_id, "b", 3).expect("on sale");
    assert_eq!((lines(&cart).as_str(), cart.subtotal.amount), ("b:3 a:1", 4000));
    assert!(matches!(set(&cart_id, "gone", 1), Err(Problem::NotFound(_))));
    assert!(matches!(set(&cart_id, "a", 1_001), Err(Problem::Invalid(_))));
    let cart = call(|| Component::remove_line(cart_id.clone(), "b".to_owned())).expect("open");
    assert_eq!(lines(&cart), "a:1");
    assert_eq!(set(&cart_id, "b", 1).map(|cart| lines(&cart)).as_deref(), Ok("a:1 b:1"));
}

#[test]
fn a_guests_cart_becomes_the_customers_or_goes_into_theirs() {
    start();
    let (first, second) = (create(), create());
    set(&first, "a", 1).expect("on sale");
    set(&second, "a", 1_000).expect("on sale");
    set(&second, "b", 1).expect("on sale");
    native::sign_in("acc_1", caller::CUSTOMER, None);
    let claimed = call(|| Component::claim_cart(first.clone())).expect("a guest's");
    assert_eq!((claimed.id.as_str(), claimed.account_id.as_deref()), (first.as_str(), Some("acc_1")));
    let merged = call(|| Component::claim_cart(second.clone())).expect("a guest's");
    assert_eq!((merged.id.as_str(), lines(&merged).as_str()), (first.as_str(), "a:1000 b:1"));
    assert!(matches!(call(|| Component::get_cart(second)), Err(Problem::NotFound(_))));
    native::sign_in("acc_2", caller::CUSTOMER, None);
    assert!(matches!(call(|| Component::get_cart(first)), Err(Problem::NotFound(_) | Problem::Forbidden(_))));
}

#[test]
fn a_checkout_places_one_order_that_is_cancelled_once() {
    start();
    native::sign_in("acc_1", caller::CUSTOMER, None);
    let cart_id = create();
    assert!(matches!(check_out(&cart_id), Err(CheckoutProblem::Invalid(_))), "it is empty");
    set(&cart_id, "a", 2).expect("on sale");
    calls();
    let order = check_out(&cart_id).expect("everything is fine");
    assert_eq!((order.subtotal.amount, order.total.amount), (2000, 2500));
    assert_eq!(calls(), "details reserve quote charge schedule confirm placed");
    assert!(matches!(check_out(&cart_id), Err(CheckoutProblem::Conflict(_))));
    let cart = call(|| Component::get_cart(cart_id.clone())).expect("theirs");
    assert_eq!((cart.status, lines(&cart).as_str()), (CartStatus::CheckedOut, "a:2"));
    calls();
    for expected in ["cancel refund-all release cancelled", ""] {
        let cancelled = call(|| Component::cancel_order(order.id.clone())).expect("it has not shipped");
        assert_eq!((cancelled.status, cancelled.payment.status.as_str()), (ContractStatus::Cancelled, "refunded"));
        assert_eq!(calls(), expected);
    }
}

#[test]
fn a_customer_finds_the_cart_that_they_touched_last_and_pays_what_was_quoted() {
    start();
    let current = || call(Component::current_cart).map(|cart| cart.id);
    assert!(matches!(current(), Err(Problem::Unauthenticated(_))));
    native::sign_in("acc_1", caller::CUSTOMER, None);
    assert!(matches!(current(), Err(Problem::NotFound(_))));
    let (first, second) = (create(), create());
    for cart_id in [&first, &second, &first] {
        native::advance_seconds(1);
        set(cart_id, "a", 2).expect("on sale");
        assert_eq!(current().as_ref(), Ok(cart_id));
    }
    let destination = || contract::Destination { country: "DE".to_owned(), postal_code: "53111".to_owned() };
    let quotes = call(|| Component::quote_cart(first.clone(), destination())).expect("it is not empty");
    assert_eq!(quotes.options.iter().map(|option| option.total.amount).collect::<Vec<_>>(), [2500]);
    calls();
    let Err(CheckoutProblem::TotalChanged(change)) = expecting(&first, Some(2499)) else { panic!("another total") };
    assert_eq!((change.total.amount, calls().as_str()), (2500, "details reserve quote cancel void release"));
    expecting(&first, Some(2500)).expect("the quoted total");
    assert_eq!(current().as_ref(), Ok(&second));
    let cart = call(|| Component::get_cart(first.clone())).expect("theirs");
    assert_eq!(cart.lines.iter().map(|line| line.available).collect::<Vec<_>>(), [5]);
    assert!(matches!(call(|| Component::quote_cart(first, destination())), Err(Problem::Conflict(_))));
    assert!(matches!(call(|| Component::quote_cart(create(), destination())), Err(Problem::Invalid(_))));
}

#[test]
fn a_failed_checkout_is_undone_now_or_later() {
    for step in ["details", "reserve", "quote", "charge", "schedule", "confirm"] {
        start();
        native::sign_in("acc_1", caller::CUSTOMER, None);
        let cart_id = create();
        set(&cart_id, "a", 1).expect("on sale");
        services::REFUSED.set(Some((step, Problem::conflict("no"))));
        let keys = native::keys();
        assert!(matches!(check_out(&cart_id), Err(CheckoutProblem::Conflict(_))), "{step}");
        assert!(calls().ends_with("cancel void release"), "{step}");
        assert_eq!(native::keys(), keys, "{step}");
    }
    services::REFUSED.set(None);
    receipts::set_undo("ord_1", true);
    Component::undo_checkouts();
    assert!(receipts::undos(10).is_empty());
}

#[test]
fn an_unused_guests_cart_is_deleted_after_its_time() {
    start();
    let (idle, used) = (create(), create());
    set(&idle, "a", 1).expect("on sale");
    native::advance_seconds(29 * 24 * 60 * 60);
    set(&used, "a", 1).expect("on sale");
    native::advance_seconds(2 * 24 * 60 * 60);
    Component::forget_expired();
    assert_eq!((baskets::basket(&idle), baskets::lines(&idle)), (None, Vec::new()));
    assert!(baskets::basket(&used).is_some());
}
