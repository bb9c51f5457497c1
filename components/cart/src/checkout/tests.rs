//! Every step of a checkout is refused in every way, with services that count what they reserved, charged and
//! scheduled.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use switchyard_sdk::Currency;
use switchyard_sdk::types::{Fault, Money as ContractMoney};

use super::*;
use crate::bindings::shop::account::account::{Address, CheckoutDetails, PaymentMethod};
use crate::bindings::shop::inventory::inventory::PricedItem;
use crate::bindings::shop::payment::payment::Payment as ContractPayment;
use crate::bindings::shop::shipping::shipping::{Quotes, Shipment as ContractShipment};
use crate::domain::cart::tests::cart;
use crate::domain::order::tests::order;
use crate::quotes;

const STEPS: [&str; 7] = ["price", "details", "reserve", "quote", "charge", "schedule", "confirm"];
const UNDOINGS: [&str; 3] = ["call-off", "void", "release"];

/// A shop in which everything costs 10 euros and shipping 5, and that refuses chosen steps.
///
/// Clones are the same shop.
#[derive(Default, Clone)]
pub(crate) struct Fake {
    /// The SKUs that are not on sale.
    gone: Vec<&'static str>,
    refuses: Option<(&'static str, Problem)>,
    /// Whether a refused step has its effect anyway, as when its answer is lost.
    acts_all_the_same: bool,
    /// The weight of the last quote, and the amount of the last charge.
    weight_grams: Rc<Cell<u32>>,
    charged: Rc<Cell<i64>>,
    calls: Rc<RefCell<Vec<&'static str>>>,
    /// The effects that remain: `goods`, `money`, `parcel`.
    stands: Rc<RefCell<BTreeSet<&'static str>>>,
}

impl Fake {
    /// The calls so far, in order.
    pub(crate) fn calls(&self) -> String {
        self.calls.borrow().join(" ")
    }

    /// A shop that does not sell these.
    pub(crate) fn without(skus: &[&'static str]) -> Self {
        Self { gone: skus.to_vec(), ..Self::default() }
    }

    /// A shop in which `step` is refused.
    pub(crate) fn refusing(step: &'static str, problem: Problem) -> Self {
        Self { refuses: Some((step, problem)), ..Self::default() }
    }

    /// The effects that remain, by name.
    pub(crate) fn standing(&self) -> String {
        self.stands.borrow().iter().copied().collect::<Vec<_>>().join(" ")
    }

    fn step<T>(&self, step: &'static str, answer: T) -> Result<T, Problem> {
        self.calls.borrow_mut().push(step);
        let refusal = self.refuses.as_ref().filter(|(refused, _)| *refused == step).map(|(_, problem)| problem.clone());
        if refusal.is_none() || self.acts_all_the_same {
            let mut stands = self.stands.borrow_mut();
            let _there_before = match step {
                "reserve" => stands.insert("goods"),
                "charge" => stands.insert("money"),
                "schedule" => stands.insert("parcel"),
                "release" => stands.remove("goods"),
                "void" | "refund-all" => stands.remove("money"),
                "call-off" => stands.remove("parcel"),
                _ => false,
            };
        }
        refusal.map_or(Ok(answer), Err)
    }
}

fn eur(amount: i64) -> ContractMoney {
    Money::new(amount, Currency::EUR).into()
}

impl Services for Fake {
    fn price_items(&self, skus: &[String]) -> Result<Vec<PricedItem>, Problem> {
        if let Some(gone) = skus.iter().find(|sku| self.gone.contains(&sku.as_str())) {
            return Err(Problem::not_found(format!("no item {gone}")));
        }
        let item = |sku: &String| PricedItem {
            sku: sku.clone(),
            title: sku.to_uppercase(),
            price: eur(1000),
            weight_grams: 100,
            available: 5,
        };
        self.step("price", skus.iter().map(item).collect())
    }

    fn checkout_details(&self, _: &str, address_id: &str, payment_method_id: &str) -> Result<CheckoutDetails, Problem> {
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
        self.step("details", CheckoutDetails { address, payment_method, payment_token: text("tok_ok") })
    }

    fn reserve(&self, _: &str, lines: &[Line]) -> Result<(), Problem> {
        assert!(!lines.is_empty());
        self.step("reserve", ())
    }

    fn quote(&self, request: &QuoteRequest) -> Result<Quotes, Problem> {
        assert_eq!(request.country, "DE");
        self.weight_grams.set(request.weight_grams);
        let option = |option: &str, price| ShippingOption {
            option: option.to_owned(),
            carrier: "post".to_owned(),
            price,
            estimated_days: 2,
        };
        let dollars = ContractMoney { amount: 1, currency: "USD".to_owned() };
        let unknown = ContractMoney { amount: 1, currency: "?".to_owned() };
        let options = vec![option("standard", eur(500)), option("dollars", dollars), option("unknown", unknown)];
        self.step("quote", Quotes { options })
    }

    fn charge(&self, details: &ChargeDetails) -> Result<ContractPayment, Problem> {
        assert_eq!(details.token, "tok_ok");
        self.charged.set(details.amount.amount);
        let (amount, method, order_id) = (details.amount.clone(), details.method.clone(), details.order_id.clone());
        let (id, status) = ("pay_1".to_owned(), ContractPaymentStatus::Captured);
        let payment = ContractPayment { id, order_id, amount, status, method, decline_code: None, refunds: Vec::new() };
        self.step("charge", payment)
    }

    fn schedule(&self, details: &ShipmentDetails) -> Result<ContractShipment, Problem> {
        let (order_id, option) = (details.order_id.clone(), details.option.clone());
        let (id, tracking_number) = ("shp_1".to_owned(), "T1".to_owned());
        let status = ContractShipmentStatus::Scheduled;
        self.step("schedule", ContractShipment { id, order_id, option, tracking_number, status, events: Vec::new() })
    }

    fn confirm(&self, _: &str) -> Result<(), Problem> {
        self.step("confirm", ())
    }

    fn call_off(&self, _: &str) -> Result<(), Problem> {
        self.step("call-off", ())
    }

    fn void(&self, _: &str) -> Result<(), Problem> {
        self.step("void", ())
    }

    fn refund_all(&self, payment_id: &str, _: &str) -> Result<(), Problem> {
        assert_eq!(payment_id, "pay_1");
        self.step("refund-all", ())
    }

    fn release(&self, _: &str) -> Result<(), Problem> {
        self.step("release", ())
    }
}

fn request(shipping_option: &str) -> CheckoutRequest {
    let (address_id, payment_method_id) = ("adr_1".to_owned(), "pm_1".to_owned());
    CheckoutRequest { address_id, payment_method_id, shipping_option: shipping_option.to_owned(), expected_total: None }
}

fn check_out(shop: &Fake, shipping_option: &str) -> Result<Order, NotBought> {
    check_out_as(shop, request(shipping_option))
}

fn check_out_as(shop: &Fake, request: CheckoutRequest) -> Result<Order, NotBought> {
    let cart = cart(&[("a", 2), ("b", 1)]);
    let now = Timestamp::from_unix_micros(7);
    let purchase = Purchase { cart_id: "cart_1", cart: &cart, account_id: "acc_1", order_id: "ord_1", now };
    buy(shop, purchase, request)
}

/// The status, and the wrong fields.
pub(crate) fn told(problem: &Problem) -> String {
    let fields = |faults: &Faults| faults.errors.iter().filter_map(|fault| fault.field.clone()).collect::<String>();
    match problem {
        Problem::Malformed(faults) => format!("400{}", fields(faults)),
        Problem::Unauthenticated(_) => "401".to_owned(),
        Problem::Declined(_) => "402".to_owned(),
        Problem::Forbidden(_) => "403".to_owned(),
        Problem::NotFound(_) => "404".to_owned(),
        Problem::Conflict(_) => "409".to_owned(),
        Problem::Invalid(faults) => format!("422{}", fields(faults)),
        Problem::Unavailable(_) | Problem::Unreachable(_) => "503".to_owned(),
    }
}

/// Like [`told`], or the total that it would be.
fn told_of(reason: &NotBought) -> String {
    match reason {
        NotBought::Refused(problem) => told(problem),
        NotBought::TotalChanged(total) => format!("total {}", total.minor_units),
    }
}

fn faults_of(parameter: &str) -> Problem {
    let error = Fault { field: None, parameter: Some(parameter.to_owned()), detail: "none of yours".to_owned() };
    Problem::Invalid(Faults { detail: "no".to_owned(), errors: vec![error] })
}

#[test]
fn a_checkout_takes_each_step_once_and_gives_the_order() {
    let shop = Fake::default();
    let order = check_out(&shop, "standard").expect("an order");
    assert_eq!(shop.calls(), STEPS.join(" "));
    assert_eq!(shop.standing(), "goods money parcel");
    let amounts = [order.subtotal, order.shipping, order.total].map(|money| money.minor_units);
    assert_eq!(amounts, [3000, 500, 3500]);
    assert_eq!((shop.weight_grams.get(), shop.charged.get()), (300, 3500));
    assert_eq!((order.payment.id.as_str(), order.shipment.id.as_str()), ("pay_1", "shp_1"));
    assert_eq!((order.status, order.lines.len()), (Status::Placed, 2));
}

#[test]
fn a_refusal_of_a_step_reaches_the_client_in_the_words_of_the_checkout() {
    let cases = [
        ("price", Problem::not_found("no item a"), "409"),
        ("details", faults_of("address-id"), "422/addressId"),
        ("details", faults_of("payment-method-id"), "422/paymentMethodId"),
        ("details", faults_of("account-id"), "422"),
        ("reserve", Problem::conflict("a: only 1 left"), "409"),
        ("reserve", Problem::not_found("no item a"), "409"),
        ("quote", Problem::invalid("/weightGrams", "too heavy"), "422"),
        ("charge", Problem::declined("no", "insufficient_funds"), "402"),
        ("charge", Problem::unreachable("no answer"), "503"),
        ("charge", Problem::unavailable("down"), "503"),
        ("schedule", Problem::malformed_parameter("option", "no"), "422"),
        ("confirm", Problem::not_found("let go"), "409"),
    ];
    for (step, problem, expected) in cases {
        let shop = Fake::refusing(step, problem);
        assert_eq!(check_out(&shop, "standard").map_err(|reason| told_of(&reason)), Err(expected.to_owned()), "{step}");
    }
    for (option, expected) in [("express", "422/shippingOption"), ("dollars", "422"), ("unknown", "422")] {
        let refused = check_out(&Fake::default(), option).map_err(|reason| told_of(&reason));
        assert_eq!(refused, Err(expected.to_owned()), "{option}");
    }
}

#[test]
fn a_total_that_was_not_expected_is_not_charged() {
    let dollars = ContractMoney { amount: 3500, currency: "USD".to_owned() };
    let unknown = ContractMoney { amount: 3500, currency: "EUX".to_owned() };
    for (expected_total, told, steps) in [
        (eur(3500), "", STEPS.as_slice()),
        (eur(3499), "total 3500", &STEPS[..4]),
        (eur(3501), "total 3500", &STEPS[..4]),
        (dollars, "total 3500", &STEPS[..4]),
        (eur(-1), "total 3500", &STEPS[..4]),
        (unknown, "422/expectedTotal/currency", &[]),
    ] {
        let shop = Fake::default();
        let request = CheckoutRequest { expected_total: Some(expected_total.clone()), ..request("standard") };
        let answer = check_out_as(&shop, request).map(|_| ()).map_err(|reason| told_of(&reason));
        assert_eq!(answer.err().unwrap_or_default(), told, "{expected_total:?}");
        assert_eq!(shop.calls(), steps.join(" "), "{expected_total:?}");
        assert_eq!(undo(&shop, "ord_1"), Ok(()));
        assert_eq!(shop.standing(), "", "what was reserved is free again");
    }
}

#[test]
fn a_quote_says_what_a_checkout_charges() {
    let place = || crate::bindings::exports::shop::cart::cart::Destination {
        country: "DE".to_owned(),
        postal_code: "53111".to_owned(),
    };
    let (shop, cart) = (Fake::default(), cart(&[("a", 2), ("b", 1)]));
    let quotes = quotes::quote(&shop, &cart, place()).expect("on sale");
    let [standard] = quotes.options.as_slice() else { panic!("the others are not in euros: {quotes:?}") };
    assert_eq!((quotes.subtotal, &standard.price, &standard.total), (eur(3000), &eur(500), &eur(3500)));
    assert_eq!(
        (standard.option.as_str(), shop.weight_grams.get(), shop.calls().as_str()),
        ("standard", 300, "price quote")
    );
    let order = check_out(&shop, &standard.option).expect("an order");
    assert_eq!(ContractMoney::from(order.total), standard.total);
    for (step, problem, expected) in [
        ("price", Problem::not_found("b is not on sale"), "409"),
        ("quote", Problem::invalid("/country", "no country"), "422/country"),
        ("quote", Problem::unavailable("down"), "503"),
    ] {
        let refused = quotes::quote(&Fake::refusing(step, problem), &cart, place());
        assert_eq!(refused.map(|_| ()).map_err(|problem| told(&problem)), Err(expected.to_owned()), "{step}");
    }
}

#[test]
fn whatever_step_fails_in_whatever_way_nothing_stands_once_it_is_undone() {
    let problems = [Problem::conflict("no"), Problem::unavailable("no"), Problem::declined("no", "no")];
    for step in STEPS {
        for problem in &problems {
            for acts_all_the_same in [false, true] {
                let shop = Fake { acts_all_the_same, ..Fake::refusing(step, problem.clone()) };
                assert!(check_out(&shop, "standard").is_err(), "{step}");
                assert_eq!(undo(&shop, "ord_1"), Ok(()), "{step}");
                assert_eq!(shop.standing(), "", "{step} {problem:?} {acts_all_the_same}");
            }
        }
    }
}

#[test]
fn what_cannot_be_undone_now_is_told_and_the_rest_is_undone() {
    for undoing in UNDOINGS {
        for (problem, expected) in [
            (Problem::unavailable("down"), Err(NotUndone)),
            (Problem::unreachable("down"), Err(NotUndone)),
            (Problem::conflict("it has shipped"), Ok(())),
        ] {
            let shop = Fake::refusing(undoing, problem);
            check_out(&shop, "standard").expect("an order");
            assert_eq!(undo(&shop, "ord_1"), expected, "{undoing}");
            assert_eq!(shop.stands.borrow().len(), 1, "{undoing}: only what it undoes still stands");
        }
    }
}

#[test]
fn a_refusal_that_waits_to_be_undone_is_one_that_keeps_what_was_written() {
    for problem in [Problem::conflict("short"), Problem::invalid("/a", "no"), Problem::unavailable("down")] {
        assert!(matches!(told_while_undoing(problem.into()), Problem::Unreachable(_)));
    }
    let changed = NotBought::TotalChanged(Money::new(1, Currency::EUR));
    assert!(matches!(told_while_undoing(changed), Problem::Unreachable(_)));
    let declined = Problem::declined("no", "insufficient_funds");
    assert_eq!(told_while_undoing(declined.clone().into()), declined);
}

#[test]
fn cancelling_stops_at_the_first_refusal_and_goes_on_when_it_is_repeated() {
    let steps = ["call-off", "refund-all", "release"];
    let mut cancelled = order();
    let shop = Fake::default();
    cancel(&shop, "ord_1", &mut cancelled).expect("not shipped");
    assert_eq!((shop.calls(), cancelled.status), (steps.join(" "), Status::Cancelled));
    for (number, step) in steps.into_iter().enumerate() {
        let shop = Fake::refusing(step, Problem::conflict("it has shipped"));
        let mut kept = order();
        assert_eq!(cancel(&shop, "ord_1", &mut kept).map_err(|problem| told(&problem)), Err("409".to_owned()));
        assert_eq!((shop.calls(), &kept), (steps[..=number].join(" "), &order()), "{step}");
    }
}
