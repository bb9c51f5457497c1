//! Valid contracts and their parsed form.

use std::path::Path;
use std::time::Duration;

use super::read;
use crate::contract::{ContractError, Contracts, Function, Reach, Type, World, check_together};
use crate::names::ServiceName;

/// The contracts of the example shop in this repository.
fn shop() -> Contracts {
    Contracts::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")).unwrap_or_else(|error| panic!("{error}"))
}

/// A function as one line: how it is reached, by whom, and where its parameters are.
fn line(function: &Function) -> String {
    let names = |indices: &[usize]| {
        let name = |index: &usize| function.parameters[*index].name.json.to_string();
        indices.iter().map(name).collect::<Vec<_>>().join(",")
    };
    let reach = match &function.reach {
        Reach::Http(route) => {
            let body = route.body_parameter.map_or(String::new(), |body| format!(" body={}", names(&[body])));
            let query = names(&route.query_parameters);
            let query = if query.is_empty() { query } else { format!("?{query}") };
            format!("{} {}{query}{body} -> {}", route.method, route.path, route.success)
        }
        Reach::Every(period) => format!("every {}", humantime::format_duration(*period)),
        Reach::Read => "read".into(),
        Reach::Event { by: None } => "event".into(),
        Reach::Event { by: Some(key) } => format!("event by {}", names(&[*key])),
        Reach::Authenticate => "authenticate".into(),
        Reach::Internal => "internal".into(),
        Reach::Export => "export".into(),
        Reach::Import => "import".into(),
    };
    let roles = if function.roles.is_empty() { String::new() } else { format!(" for {}", function.roles.join("|")) };
    format!("{}: {reach}{roles}", function.name.wit)
}

fn lines(world: &World) -> Vec<String> {
    world.exports.iter().flat_map(|interface| &interface.functions).map(|function| line(function)).collect()
}

#[test]
fn the_contracts_of_the_shop_are_read_as_its_rest_surface() {
    let contracts = shop();
    let expected: &[(&str, &[&str])] = &[
        (
            "shop:account/account-service",
            &[
                "create-account: POST /accounts body=details -> 201",
                "sign-in: POST /sessions body=credentials -> 201",
                "sign-out: DELETE /sessions/current -> 204 for customer|staff",
                "get-account: GET /accounts/{id} -> 200 for customer|staff",
                "update-account: PATCH /accounts/{id} body=changes -> 200 for customer|staff",
                "add-address: POST /accounts/{id}/addresses body=details -> 201 for customer",
                "remove-address: DELETE /accounts/{id}/addresses/{addressId} -> 204 for customer",
                "add-payment-method: POST /accounts/{id}/payment-methods body=details -> 201 for customer",
                "remove-payment-method: DELETE /accounts/{id}/payment-methods/{paymentMethodId} -> 204 for customer",
                "authenticate: authenticate",
                "forget-expired: every 1m",
                "create-staff: internal",
                "get-checkout-details: read",
                "order-placed: event by orderId",
                "order-cancelled: event by orderId",
            ],
        ),
        (
            "shop:inventory/inventory-service",
            &[
                "list-items: GET /items?query,category,cursor,limit -> 200",
                "get-item: GET /items/{sku} -> 200",
                "put-item: PUT /items/{sku} body=details -> 200 for staff",
                "receive-stock: POST /items/{sku}/receipts body=receipt -> 200 for staff",
                "price-items: read",
                "reserve: internal",
                "confirm: internal",
                "release: internal",
                "expire-reservations: every 30s",
            ],
        ),
        (
            "shop:cart/cart-service",
            &[
                "create-cart: POST /carts -> 201",
                "current-cart: GET /carts/current -> 200 for customer",
                "get-cart: GET /carts/{id} -> 200",
                "quote-cart: POST /carts/{id}/quotes body=destination -> 200",
                "set-line: PUT /carts/{id}/lines/{sku} body=change -> 200",
                "remove-line: DELETE /carts/{id}/lines/{sku} -> 200",
                "claim-cart: POST /carts/{id}/claim -> 200 for customer",
                "checkout: POST /carts/{id}/checkout body=request -> 201 for customer",
                "undo-checkouts: every 30s",
                "forget-expired: every 1m",
                "list-orders: GET /orders?cursor,limit -> 200 for customer|staff",
                "get-order: GET /orders/{id} -> 200 for customer|staff",
                "cancel-order: POST /orders/{id}/cancel -> 200 for customer|staff",
                "payment-captured: event by orderId",
                "payment-refunded: event by orderId",
                "shipment-status-changed: event by orderId",
            ],
        ),
        (
            "shop:payment/payment-service",
            &[
                "list-payments: GET /payments?orderId,cursor,limit -> 200 for staff",
                "get-payment: GET /payments/{id} -> 200 for customer|staff",
                "refund-payment: POST /payments/{id}/refunds body=details -> 201 for staff",
                "charge: internal",
                "void: internal",
                "refund-all: internal",
            ],
        ),
        (
            "shop:shipping/shipping-service",
            &[
                "quote: POST /shipping/quotes body=request -> 200",
                "get-shipment: GET /shipments/{id} -> 200 for customer|staff",
                "record-event: POST /shipments/{id}/events body=change -> 200 for staff",
                "schedule: internal",
                "cancel: internal",
            ],
        ),
    ];
    for (name, functions) in expected {
        let world = contracts.world(name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(lines(&world), *functions, "{name}");
    }
    assert_eq!(contracts.worlds().count(), expected.len());
    let services: Vec<_> = contracts
        .worlds()
        .map(|world| {
            let name = world.name.split([':', '/']).nth(1).unwrap();
            (ServiceName::parse(name).unwrap(), world.clone())
        })
        .collect();
    check_together(&services, &[]).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn imports_are_what_a_component_calls_and_emits_without_types_and_the_host() {
    let contracts = shop();
    let names = |world: &str| -> Vec<_> {
        contracts.world(world).unwrap().imports.iter().map(|interface| interface.name.to_string()).collect()
    };
    assert_eq!(names("shop:payment/payment-service"), ["shop:events/payment-events@1.0.0"]);
    assert_eq!(
        names("shop:cart/cart-service"),
        [
            "shop:account/account@1.0.0",
            "shop:inventory/inventory@2.0.0",
            "shop:payment/payment@1.0.0",
            "shop:shipping/shipping@1.0.0",
            "shop:events/order-events@1.0.0",
        ]
    );
}

#[test]
fn error_cases_carry_their_status_and_whether_they_commit() {
    let contracts = shop();
    let world = contracts.world("shop:account/account-service@1.0.0").unwrap();
    let sign_in = world.exports[0].functions.iter().find(|function| &*function.name.wit == "sign-in").unwrap();
    let Some(Type::Variant(problem)) = &sign_in.err else { panic!("{:?}", sign_in.err) };
    let cases: Vec<_> = problem.cases.iter().map(|case| (&*case.name, case.status, case.commits)).collect();
    assert_eq!(cases, [("rejected", Some(401), true), ("invalid", Some(422), false), ("slowed", Some(429), false)]);
    assert_eq!(&*problem.cases[0].docs, "No account has this e-mail address and password. The attempt is counted.");
    assert_eq!((&*problem.name, &*problem.interface), ("sign-in-problem", "shop:account/account@1.0.0"));
    assert!(sign_in.docs.starts_with("Signs in, for 24 hours."), "{}", sign_in.docs);
    assert!(!sign_in.docs.contains("POST"), "{}", sign_in.docs);
}

#[test]
fn a_costly_function_says_how_many_calls_of_it_run_at_once() {
    let world = shop().world("shop:account/account-service").expect("the account");
    let functions = world.exports.iter().flat_map(|interface| &interface.functions);
    let bounded = functions.filter_map(|function| Some((&*function.name.wit, function.calls_in_flight_max?)));
    assert_eq!(bounded.collect::<Vec<_>>(), [("create-account", 2), ("sign-in", 2)]);
}

#[test]
fn the_order_of_packages_does_not_matter() {
    let types = "package a:types@1.0.0; interface types { record thing { id: string } }";
    let user = "package a:user@1.0.0;
        interface user { use a:types/types@1.0.0.{thing}; get: func() -> thing; }
        world service { export user; }";
    for packages in [[types, user], [user, types]] {
        let contracts = read(&packages).unwrap_or_else(|error| panic!("{error}"));
        let world = contracts.world("a:user/service").unwrap();
        let Some(Type::Record(thing)) = &world.exports[0].functions[0].ok else { panic!("no record") };
        assert_eq!((&*thing.name, &*thing.interface), ("thing", "a:types/types@1.0.0"));
    }
}

#[test]
fn the_version_of_a_world_may_be_left_out_when_there_is_one() {
    let text = |version| format!("package a:b@{version}; interface i {{ f: func(); }} world w {{ export i; }}");
    let (one, two) = (text("1.0.0"), text("2.0.0"));
    let contracts = read(&[&one]).unwrap();
    assert!(contracts.world("a:b/w").is_some() && contracts.world("a:b/w@1.0.0").is_some());
    assert!(contracts.world("a:b/w@1.0.1").is_none() && contracts.world("w").is_none());
    let contracts = read(&[&one, &two]).unwrap();
    assert!(contracts.world("a:b/w").is_none() && contracts.world("a:b/w@2.0.0").is_some());
}

#[test]
fn results_are_told_apart() {
    let contracts = read(&["package a:b;
        interface i {
            enum e { bad }
            nothing: func();
            plain: func() -> u32;
            both: func() -> result<u32, e>;
            only-error: func() -> result<_, e>;
            bare: func() -> result;
        }
        world w { export i; }"])
    .unwrap();
    let world = contracts.world("a:b/w").unwrap();
    let read: Vec<_> = world.exports[0]
        .functions
        .iter()
        .map(|function| (&*function.name.wit, function.fallible, function.ok.is_some(), function.err.is_some()))
        .collect();
    assert_eq!(
        read,
        [
            ("nothing", false, false, false),
            ("plain", false, true, false),
            ("both", true, true, true),
            ("only-error", true, false, true),
            ("bare", true, false, false),
        ]
    );
}

#[test]
fn a_schedule_has_its_period() {
    let contracts = read(&["package a:b; interface i {
        /// `every 1500ms`
        tick: func();
    } world w { export i; }"])
    .unwrap();
    let tick = &contracts.world("a:b/w").unwrap().exports[0].functions[0];
    assert_eq!(tick.reach, Reach::Every(Duration::from_millis(1500)));
    assert!(!tick.reads_only());
}

#[test]
fn a_folder_without_packages_and_a_missing_one_are_told() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Contracts::read(folder.path()), Err(ContractError::Empty { .. })));
    assert!(matches!(Contracts::read(&folder.path().join("none")), Err(ContractError::Read { .. })));
}
