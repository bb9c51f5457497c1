//! Every possible fault of one order is found.

use serde_json::json;
use shop_tests::json::with;

use super::*;
use crate::report::Kind;

fn order_told() -> Value {
    let eur = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
    json!({
        "id": "ord_1", "cartId": "cart_1", "accountId": "acc_1", "lines": [{ "sku": "tea-01", "quantity": 2 }],
        "subtotal": eur(900), "shipping": eur(100), "total": eur(1000), "placedAt": "2026-01-01T00:00:00Z",
        "payment": { "id": "pay_1", "status": "captured" }, "status": "placed",
        "shipment": { "id": "shp_1", "status": "scheduled", "trackingNumber": "PP1" },
    })
}

fn exchanges() -> Vec<Exchange> {
    let client = Client::new(([127, 0, 0, 1], 1).into());
    let exchange = |act, key: &str, status, body| {
        let (key, client) = (key.to_owned(), client.clone());
        Exchange { act, key, client, status, body }
    };
    let (cart, sku) = ("cart_1".to_owned(), "tea-01".to_owned());
    let (payment, shipment) = ("pay_1".to_owned(), "shp_1".to_owned());
    let check_out = Act::CheckOut { cart: cart.clone(), choice: Value::Null, declined: false };
    vec![
        exchange(Act::SetLine { cart, sku, quantity: 2 }, "key-1", 200, Value::Null),
        exchange(check_out, "key-2", 201, order_told()),
        exchange(Act::Refund { payment, cents: 300 }, "key-3", 201, Value::Null),
        exchange(Act::Record { shipment, status: "packed".to_owned() }, "key-4", 200, Value::Null),
    ]
}

/// The books after these exchanges.
fn books() -> Books {
    let order = with(&with(&order_told(), "/status", "packed"), "/shipment/status", "packed");
    let order = with(&order, "/payment/status", "partially-refunded");
    let payment = json!({
        "id": "pay_1", "orderId": "ord_1", "amount": { "amount": 1000, "currency": "EUR" },
        "status": "partially-refunded", "refunds": [{ "reason": "key-3", "amount": { "amount": 300 } }],
    });
    let shipment = json!({
        "id": "shp_1", "orderId": "ord_1", "status": "packed",
        "events": [{ "status": "scheduled" }, { "status": "packed", "note": "key-4" }],
    });
    Books {
        orders: vec![("ord_1".to_owned(), order)],
        paid: BTreeMap::from([("ord_1".to_owned(), vec![payment])]),
        declined: 0,
        shipments: BTreeMap::from([("ord_1".to_owned(), shipment)]),
    }
}

fn set(value: &mut Value, pointer: &str, part: Value) {
    *value.pointer_mut(pointer).expect("it is there") = part;
}

fn order_of(books: &mut Books) -> &mut Value {
    &mut books.orders[0].1
}

fn payments_of(books: &mut Books) -> &mut Vec<Value> {
    books.paid.get_mut("ord_1").expect("it is paid")
}

fn refunds_of(books: &mut Books) -> &mut Vec<Value> {
    payments_of(books)[0]["refunds"].as_array_mut().expect("a list")
}

fn shipment_of(books: &mut Books) -> &mut Value {
    books.shipments.get_mut("ord_1").expect("it is sent")
}

#[test]
fn books_that_agree_with_what_was_acknowledged_are_right() {
    let found = books().check(&exchanges()).expect("books");
    assert!(found.is_empty(), "{found:?}");
}

type Change = fn(&mut Books);

#[test]
fn whatever_differs_from_what_was_acknowledged_is_found() {
    let cases: [(Kind, &str, Change); 17] = [
        (Kind::Lost, "is gone", |books| books.orders.clear()),
        (Kind::Doubled, "is listed 2 times", |books| books.orders.push(books.orders[0].clone())),
        (Kind::Doubled, "nobody was told", |books| books.orders.push(("ord_2".to_owned(), order_told()))),
        (Kind::Lost, "/placedAt was", |books| set(order_of(books), "/placedAt", "2026-01-02T00:00:00Z".into())),
        (Kind::Lost, "was put into its cart", |books| set(order_of(books), "/lines/0/quantity", 3.into())),
        (Kind::Lost, "cancelled as was told: false", |books| set(order_of(books), "/status", "cancelled".into())),
        (Kind::Lost, "no payment", |books| books.paid.clear()),
        (Kind::Lost, "its payment is another", |books| set(&mut payments_of(books)[0], "/amount/amount", 999.into())),
        (Kind::Doubled, "paid 2 times", |books| {
            let payment = payments_of(books)[0].clone();
            payments_of(books).push(payment);
        }),
        (Kind::Doubled, "which is no order", |books| {
            let payments = payments_of(books).clone();
            books.paid.insert("ord_2".to_owned(), payments);
        }),
        (Kind::Doubled, "declined payments", |books| books.declined = 1),
        (Kind::Lost, "of its refunds, key-3", |books| refunds_of(books).clear()),
        (Kind::Doubled, "of its refunds, key-3", |books| {
            let refund = refunds_of(books)[0].clone();
            refunds_of(books).push(refund);
        }),
        (Kind::Wrong, "and the order says", |books| set(order_of(books), "/payment/status", "captured".into())),
        (Kind::Lost, "no shipment", |books| books.shipments.clear()),
        (Kind::Doubled, "its shipment, key-9", |books| {
            shipment_of(books)["events"].as_array_mut().expect("a list").push(json!({ "note": "key-9" }));
        }),
        (Kind::Wrong, "its shipment is", |books| set(order_of(books), "/status", "placed".into())),
    ];
    for (kind, text, change) in cases {
        let mut books = books();
        change(&mut books);
        let found = books.check(&exchanges()).expect("books");
        let is_found = found.iter().any(|violation| violation.kind == kind && violation.detail.contains(text));
        assert!(is_found, "{kind:?} {text}: {found:?}");
    }
}

#[test]
fn money_that_does_not_add_up_is_found() {
    let mut books = books();
    let payments = payments_of(&mut books).clone();
    books.paid.insert("ord_2".to_owned(), payments);
    let found = books.money().expect("books");
    assert!(matches!(found.as_slice(), [Violation { kind: Kind::Wrong, .. }]), "{found:?}");
}
