//! The service from its clients' view, on stand-ins of the host and of the other services.

use std::cell::RefCell;

use contract::{CartStatus, CheckoutProblem, CheckoutRequest, Guest as _, LineChange, OrderStatus};
use payment_events::Guest as _;
use shipment_events::Guest as _;
use switchyard_sdk::native;

use super::*;
use crate::checkout::tests::{Fake, told};
use crate::services::Services;

thread_local! {
    static EMITTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static SHOP: RefCell<Fake> = RefCell::default();
}

/// Replaces the contract's event.
pub(crate) fn order_placed(order_id: &str, account_id: &str) {
    EMITTED.with_borrow_mut(|emitted| emitted.push(format!("placed {order_id} {account_id}")));
}

/// Replaces the contract's event.
pub(crate) fn order_cancelled(order_id: &str, account_id: &str) {
    EMITTED.with_borrow_mut(|emitted| emitted.push(format!("cancelled {order_id} {account_id}")));
}

/// Replaces the services that the host links.
pub(crate) fn linked() -> impl Services {
    SHOP.with_borrow(Fake::clone)
}

/// The events that were emitted since the last call.
fn emitted() -> String {
    EMITTED.take().join(", ")
}

/// Uses this shop from now on.
fn open(shop: Fake) -> Fake {
    SHOP.set(shop.clone());
    shop
}

fn start() -> Fake {
    native::reset();
    emitted();
    open(Fake::default())
}

fn sign_in(account_id: &str) {
    native::sign_in(account_id, caller::CUSTOMER, None);
}

/// Runs a call like the host: the writes of a refused call are discarded, unless its error case commits.
fn call<T>(call: impl FnOnce() -> Result<T, Problem>) -> Result<T, String> {
    let keeps =
        |answer: &Result<T, Problem>| matches!(answer, Ok(_) | Err(Problem::Declined(_) | Problem::Unreachable(_)));
    native::transaction(call, keeps).map_err(|problem| told(&problem))
}

fn create() -> String {
    native::advance_seconds(1);
    call(Component::create_cart).expect("anyone may").id
}

fn set(cart_id: &str, sku: &str, quantity: u32) -> Result<String, String> {
    call(|| Component::set_line(cart_id.to_owned(), sku.to_owned(), LineChange { quantity })).map(|cart| lines(&cart))
}

fn get(cart_id: &str) -> Result<String, String> {
    call(|| Component::get_cart(cart_id.to_owned())).map(|cart| lines(&cart))
}

fn claim(cart_id: &str) -> Result<contract::Cart, String> {
    call(|| Component::claim_cart(cart_id.to_owned()))
}

fn check_out(cart_id: &str) -> Result<contract::Order, String> {
    let text = str::to_owned;
    let (address_id, payment_method_id, shipping_option) = (text("adr_1"), text("pm_1"), text("standard"));
    check_out_as(cart_id, CheckoutRequest { address_id, payment_method_id, shipping_option, expected_total: None })
}

fn check_out_as(cart_id: &str, request: CheckoutRequest) -> Result<contract::Order, String> {
    let keeps = |answer: &Result<_, CheckoutProblem>| {
        matches!(answer, Ok(_) | Err(CheckoutProblem::Declined(_) | CheckoutProblem::Unreachable(_)))
    };
    let answer = native::transaction(|| Component::checkout(cart_id.to_owned(), request), keeps);
    answer.map_err(|problem| match problem {
        CheckoutProblem::TotalChanged(change) => format!("409 total {}", change.total.amount),
        CheckoutProblem::Malformed(faults) => told(&Problem::Malformed(faults)),
        CheckoutProblem::Unauthenticated(_) => "401".to_owned(),
        CheckoutProblem::Declined(_) => "402".to_owned(),
        CheckoutProblem::Forbidden(_) => "403".to_owned(),
        CheckoutProblem::NotFound(_) => "404".to_owned(),
        CheckoutProblem::Conflict(_) => "409".to_owned(),
        CheckoutProblem::Invalid(faults) => told(&Problem::Invalid(faults)),
        CheckoutProblem::Unavailable(_) | CheckoutProblem::Unreachable(_) => "503".to_owned(),
    })
}

fn lines(cart: &contract::Cart) -> String {
    let lines = cart.lines.iter().map(|line| format!("{}:{}", line.sku, line.quantity));
    lines.chain([cart.subtotal.amount.to_string()]).collect::<Vec<_>>().join(" ")
}

fn refused<T>(status: &str) -> Result<T, String> {
    Err(status.to_owned())
}

#[test]
fn lines_are_set_and_taken_out_at_the_prices_of_now() {
    start();
    let cart_id = create();
    assert_eq!(get(&cart_id).as_deref(), Ok("0"));
    assert_eq!(set(&cart_id, "a", 2).as_deref(), Ok("a:2 2000"));
    assert_eq!(set(&cart_id, "b", 1).as_deref(), Ok("a:2 b:1 3000"));
    assert_eq!(set(&cart_id, "a", 1).as_deref(), Ok("a:1 b:1 2000"));
    assert_eq!(set(&cart_id, "a", 0), refused("422/quantity"));
    assert_eq!(set(&cart_id, "a", 1001), refused("422/quantity"));
    for _ in 0..2 {
        let cart = call(|| Component::remove_line(cart_id.clone(), "a".to_owned()));
        assert_eq!(cart.map(|cart| lines(&cart)).as_deref(), Ok("b:1 1000"));
    }
    assert_eq!(get(&cart_id).as_deref(), Ok("b:1 1000"));
    for nowhere in ["cart_none", "", "a/b", &"x".repeat(3000)] {
        assert_eq!(get(nowhere), refused("404"));
        assert_eq!(set(nowhere, "a", 1), refused("404"));
    }
}

#[test]
fn an_item_that_is_not_on_sale_is_refused_or_drops_out() {
    start();
    let cart_id = create();
    set(&cart_id, "a", 1).expect("on sale");
    set(&cart_id, "b", 1).expect("on sale");
    open(Fake::without(&["a", "c"]));
    assert_eq!(set(&cart_id, "c", 1), refused("404"));
    assert_eq!(set(&cart_id, "b", 2).as_deref(), Ok("b:2 2000"));
    open(Fake::default());
    assert_eq!(get(&cart_id).as_deref(), Ok("b:2 2000"), "what dropped out stays out");
}

#[test]
fn a_guests_cart_answers_to_its_id_and_a_customers_to_the_customer() {
    start();
    let guests = create();
    sign_in("acc_anna");
    let annas = create();
    for (who, of_anna) in [(None, "401"), (Some("acc_ben"), "404"), (Some("acc_anna"), "")] {
        native::sign_out();
        who.into_iter().for_each(sign_in);
        assert!(get(&guests).is_ok(), "{who:?}");
        let expected = || if of_anna.is_empty() { Ok(()) } else { refused(of_anna) };
        assert_eq!(get(&annas).map(|_| ()), expected(), "{who:?}");
        assert_eq!(set(&annas, "a", 1).map(|_| ()), expected(), "{who:?}");
        assert_eq!(call(|| Component::remove_line(annas.clone(), "a".to_owned())).map(|_| ()), expected(), "{who:?}");
    }
    native::sign_in("acc_sue", caller::STAFF, None);
    assert_eq!(get(&annas), refused("404"), "a cart is its customer's alone");
}

#[test]
fn a_claimed_cart_becomes_the_customers_or_merges_into_the_open_one() {
    start();
    let (first, second) = (create(), create());
    set(&first, "a", 600).expect("on sale");
    set(&second, "a", 600).expect("on sale");
    set(&second, "b", 1).expect("on sale");
    assert_eq!(claim(&first).map(|_| ()), refused("401"));
    sign_in("acc_anna");
    for _ in 0..2 {
        let cart = claim(&first).expect("a guest's, then her own");
        assert_eq!((cart.id.as_str(), cart.account_id.as_deref()), (first.as_str(), Some("acc_anna")));
    }
    let merged = claim(&second).expect("a guest's");
    assert_eq!((merged.id.as_str(), lines(&merged).as_str()), (first.as_str(), "a:1000 b:1 1001000"));
    assert_eq!(get(&second), refused("404"), "the guest's cart ended");
    assert_eq!(get(&first).as_deref(), Ok("a:1000 b:1 1001000"));
    sign_in("acc_ben");
    assert_eq!(claim(&first).map(|_| ()), refused("404"));
    assert_eq!(get(&first), refused("404"));
}

fn current() -> Result<String, String> {
    call(Component::current_cart).map(|cart| cart.id)
}

#[test]
fn the_current_cart_is_the_one_that_its_customer_touched_last() {
    start();
    assert_eq!(current(), refused("401"));
    let guests = create();
    sign_in("acc_anna");
    assert_eq!(current(), refused("404"));
    let (first, second) = (create(), create());
    assert_eq!(current().as_ref(), Ok(&second));
    for (cart_id, sku) in [(&first, "a"), (&first, "b"), (&second, "a"), (&first, "a")] {
        native::advance_seconds(1);
        set(cart_id, sku, 1).expect("on sale");
        assert_eq!(current().as_ref(), Ok(cart_id));
    }
    native::advance_seconds(1);
    call(|| Component::remove_line(second.clone(), "a".to_owned())).expect("open");
    assert_eq!(current().as_ref(), Ok(&second));
    native::advance_seconds(1);
    assert_eq!(claim(&guests).map(|cart| cart.id).as_ref(), Ok(&second), "it goes into the current one");
    set(&first, "a", 2).expect("on sale");
    check_out(&first).expect("all goes well");
    assert_eq!(current().as_ref(), Ok(&second), "one that is checked out is not current");
    sign_in("acc_ben");
    assert_eq!(current(), refused("404"));
    native::sign_in("acc_sue", caller::STAFF, None);
    assert_eq!(current(), refused("403"));
    native::sign_out();
    let claimed = create();
    native::advance_seconds(1);
    sign_in("acc_ben");
    claim(&claimed).expect("a guest's");
    assert_eq!(current(), Ok(claimed));
}

#[test]
fn a_line_says_what_is_available_of_its_item() {
    start();
    sign_in("acc_anna");
    let cart_id = create();
    set(&cart_id, "a", 2).expect("on sale");
    set(&cart_id, "b", 9).expect("the stock is not looked at");
    let available = || {
        let cart = call(|| Component::get_cart(cart_id.clone())).expect("her own");
        cart.lines.iter().map(|line| line.available).collect::<Vec<_>>()
    };
    assert_eq!(available(), [5, 5]);
    check_out(&cart_id).expect("the stand-in has no stock");
    assert_eq!(available(), [5, 5]);
    open(Fake::without(&["a"]));
    assert_eq!(available(), [0, 5], "nothing can be bought of what is no longer on sale");
}

#[test]
fn a_quote_is_for_whoever_may_see_the_cart_while_it_is_open_and_not_empty() {
    start();
    let quote = |cart_id: &str| {
        let (country, postal_code) = ("DE".to_owned(), "53111".to_owned());
        let destination = contract::Destination { country, postal_code };
        let quotes = call(|| Component::quote_cart(cart_id.to_owned(), destination));
        quotes.map(|quotes| quotes.options.iter().map(|option| option.total.amount).collect::<Vec<_>>())
    };
    let guests = create();
    assert_eq!(quote(&guests), refused("422"), "it is empty");
    set(&guests, "a", 2).expect("on sale");
    assert_eq!(quote(&guests), Ok(vec![2500]));
    sign_in("acc_anna");
    let annas = create();
    set(&annas, "a", 1).expect("on sale");
    assert_eq!((quote(&guests), quote(&annas)), (Ok(vec![2500]), Ok(vec![1500])));
    check_out(&annas).expect("all goes well");
    assert_eq!(quote(&annas), refused("409"));
    assert_eq!(quote("cart_none"), refused("404"));
    sign_in("acc_ben");
    assert_eq!(quote(&annas), refused("404"));
    native::sign_out();
    assert_eq!(quote(&annas), refused("401"));
}

#[test]
fn a_checkout_at_another_total_than_expected_says_the_right_one_and_leaves_the_cart_as_it_was() {
    let shop = start();
    sign_in("acc_anna");
    let cart_id = create();
    set(&cart_id, "a", 2).expect("on sale");
    let keys = native::keys();
    let expecting = |amount| {
        let text = str::to_owned;
        let expected_total = Some(ContractMoney { amount, currency: text("EUR") });
        let (address_id, payment_method_id, shipping_option) = (text("adr_1"), text("pm_1"), text("standard"));
        check_out_as(&cart_id, CheckoutRequest { address_id, payment_method_id, shipping_option, expected_total })
    };
    assert_eq!(expecting(2499), refused("409 total 2500"));
    assert_eq!((shop.standing().as_str(), native::keys()), ("", keys));
    assert_eq!(expecting(2500).map(|order| order.total.amount), Ok(2500));
}

#[test]
fn a_checkout_makes_the_cart_an_order_that_stays() {
    let shop = start();
    let cart_id = create();
    set(&cart_id, "a", 2).expect("on sale");
    sign_in("acc_anna");
    let order = check_out(&cart_id).expect("all goes well");
    assert_eq!(
        (order.total.amount, order.status, order.payment.status.as_str()),
        (2500, OrderStatus::Placed, "captured")
    );
    assert_eq!(shop.standing(), "goods money parcel");
    assert_eq!(emitted(), format!("placed {} acc_anna", order.id));
    let cart = call(|| Component::get_cart(cart_id.clone())).expect("her own");
    assert_eq!((cart.status, cart.account_id.as_deref()), (CartStatus::CheckedOut, Some("acc_anna")));
    assert_eq!(lines(&cart), "a:2 2000");
    assert_eq!(call(|| Component::get_order(order.id.clone())), Ok(order));
    assert_eq!(set(&cart_id, "a", 1), refused("409"));
    assert_eq!(call(|| Component::remove_line(cart_id.clone(), "a".to_owned())).map(|_| ()), refused("409"));
    let shop = open(Fake::default());
    assert_eq!(check_out(&cart_id), refused("409"));
    assert_eq!(shop.calls(), "call-off void release", "an earlier run of this call may have gone further");
    let next = create();
    assert_eq!(claim(&next).map(|cart| cart.id), Ok(next), "a cart that is checked out takes nothing in");
}

#[test]
fn a_checkout_that_fails_leaves_the_cart_as_it_was() {
    for (step, problem, status) in [
        ("price", Problem::unavailable("down"), "503"),
        ("reserve", Problem::conflict("a: only 1 left"), "409"),
        ("charge", Problem::declined("no", "declined"), "402"),
        ("charge", Problem::unreachable("no answer"), "503"),
        ("confirm", Problem::not_found("let go"), "409"),
    ] {
        start();
        let cart_id = create();
        set(&cart_id, "a", 2).expect("on sale");
        let keys = native::keys();
        sign_in("acc_anna");
        let shop = open(Fake::refusing(step, problem));
        assert_eq!(check_out(&cart_id), refused(status), "{step}");
        assert_eq!((shop.standing().as_str(), emitted().as_str(), native::keys()), ("", "", keys), "{step}");
        native::sign_out();
        open(Fake::default());
        assert_eq!(get(&cart_id).as_deref(), Ok("a:2 2000"), "{step}: it is a guest's as before");
    }
    start();
    let empty = create();
    assert_eq!(check_out(&empty), refused("401"));
    sign_in("acc_anna");
    assert_eq!(check_out(&empty), refused("422"));
    assert_eq!(check_out("cart_none"), refused("404"));
}

#[test]
fn what_cannot_be_undone_at_once_is_undone_later() {
    start();
    sign_in("acc_anna");
    let cart_id = create();
    let shop = open(Fake::refusing("void", Problem::unavailable("down")));
    assert_eq!(check_out(&cart_id), refused("503"), "empty, and what an earlier run charged cannot be voided now");
    let waiting = || native::keys().iter().filter(|key| key.starts_with("undo/")).count();
    assert_eq!((waiting(), shop.calls().as_str()), (1, "call-off void release"));
    Component::undo_checkouts();
    assert_eq!(waiting(), 1, "its service is still down");
    let shop = open(Fake::default());
    Component::undo_checkouts();
    assert_eq!((waiting(), shop.calls().as_str()), (0, "call-off void release"));
    Component::undo_checkouts();
    assert_eq!(shop.calls(), "call-off void release");
}

/// Anna's order.
fn ordered() -> contract::Order {
    sign_in("acc_anna");
    let cart_id = create();
    set(&cart_id, "a", 2).expect("on sale");
    check_out(&cart_id).expect("all goes well")
}

fn cancel(order_id: &str) -> Result<contract::Order, String> {
    call(|| Component::cancel_order(order_id.to_owned()))
}

#[test]
fn an_order_is_there_for_its_customer_and_staff_alone_newest_first() {
    start();
    let (first, second) = (ordered().id, ordered().id);
    let list = || {
        let page = call(|| Component::list_orders(None, None))?;
        Ok::<_, String>(page.items.into_iter().map(|order| order.id).collect::<Vec<_>>())
    };
    for (who, role, seen) in
        [("acc_anna", caller::CUSTOMER, true), ("acc_ben", caller::CUSTOMER, false), ("acc_sue", caller::STAFF, true)]
    {
        native::sign_in(who, role, None);
        let expected = if seen { vec![second.clone(), first.clone()] } else { vec![] };
        assert_eq!(list(), Ok(expected), "{who}");
        assert_eq!(call(|| Component::get_order(first.clone())).is_ok(), seen, "{who}");
        assert_eq!(cancel("ord_none").map(|_| ()), refused("404"), "{who}");
    }
    sign_in("acc_ben");
    assert_eq!(cancel(&first).map(|_| ()), refused("404"));
    native::sign_out();
    assert_eq!(list(), refused("401"));
    assert_eq!(cancel(&first).map(|_| ()), refused("401"));
}

#[test]
fn a_cancelled_order_gives_all_back_once() {
    let shop = start();
    let order = ordered();
    emitted();
    let cancelled = cancel(&order.id).expect("it has not shipped");
    let statuses = (cancelled.status, cancelled.payment.status.as_str(), cancelled.shipment.status.as_str());
    assert_eq!(statuses, (OrderStatus::Cancelled, "refunded", "cancelled"));
    assert_eq!((shop.standing(), emitted()), (String::new(), format!("cancelled {} acc_anna", order.id)));
    let calls = shop.calls();
    assert_eq!(cancel(&order.id), Ok(cancelled));
    assert_eq!((shop.calls(), emitted().as_str()), (calls, ""), "again, the same answer and nothing more");
}

#[test]
fn an_order_follows_its_payment_and_shipment() {
    let shop = start();
    let order = ordered();
    let money = |amount| ContractMoney { amount, currency: "EUR".to_owned() };
    let moved = |shipment_id: &str, order_id: &str, status: &str| {
        Component::shipment_status_changed(shipment_id.to_owned(), order_id.to_owned(), status.to_owned());
    };
    let refunded = |payment_id: &str, amount| {
        Component::payment_refunded(payment_id.to_owned(), order.id.clone(), money(amount));
    };
    let now = || {
        let order = call(|| Component::get_order(order.id.clone())).expect("her own");
        (order.status, order.payment.status, order.shipment.status)
    };
    let expect = |status, payment: &str, shipment: &str| assert_eq!(now(), (status, payment.into(), shipment.into()));
    Component::payment_captured("pay_1".to_owned(), order.id.clone(), money(2500));
    for (shipment_id, order_id, status) in
        [("shp_2", order.id.as_str(), "packed"), ("shp_1", "ord_none", "packed"), ("shp_1", &order.id, "lost in space")]
    {
        moved(shipment_id, order_id, status);
    }
    refunded("pay_2", 1);
    expect(OrderStatus::Placed, "captured", "scheduled");
    moved("shp_1", &order.id, "packed");
    refunded("pay_1", 500);
    expect(OrderStatus::Packed, "partially-refunded", "packed");
    moved("shp_1", &order.id, "shipped");
    let calls = shop.calls();
    assert_eq!(cancel(&order.id).map(|_| ()), refused("409"));
    assert_eq!(shop.calls(), calls, "nothing is given back for what has shipped");
    moved("shp_1", &order.id, "delivered");
    refunded("pay_1", 2000);
    expect(OrderStatus::Delivered, "refunded", "delivered");
}

#[test]
fn a_guests_cart_that_nobody_changes_for_30_days_is_deleted_and_no_other() {
    const DAY: u64 = 24 * 60 * 60;
    start();
    let (left, used, bought) = (create(), create(), create());
    set(&bought, "a", 1).expect("on sale");
    sign_in("acc_1");
    let own = create();
    claim(&bought).expect("the customer's now");
    native::sign_out();
    native::advance_seconds(20 * DAY);
    Component::forget_expired();
    set(&used, "a", 1).expect("on sale");
    native::advance_seconds(11 * DAY);
    Component::forget_expired();
    assert_eq!(get(&left), refused("404"));
    assert_eq!(get(&used).as_deref(), Ok("a:1 1000"), "it was changed 11 days ago");
    native::advance_seconds(20 * DAY);
    Component::forget_expired();
    assert_eq!(get(&used), refused("404"));
    let left = native::keys().into_iter().filter(|key| key.starts_with("expiry/") || key.starts_with("touched/"));
    assert_eq!(left.count(), 0, "nothing is left of them");
    sign_in("acc_1");
    assert!(get(&own).is_ok(), "a customer's cart stays");
}
