//! Refused contracts: small WIT texts, and the whole error text that their author reads.

use super::read;
use crate::contract::check_together;
use crate::names::ServiceName;

/// Asserts that `body`, as an interface `i` of `a:b` that its world exports, is refused with `expected`. The body
/// begins in line 2.
#[track_caller]
fn refused(body: &str, expected: &str) {
    refused_packages(&[&format!("package a:b; interface i {{\n{body}\n}} world w {{ export i; }}")], expected);
}

#[track_caller]
fn refused_packages(packages: &[&str], expected: &str) {
    let error = read(packages).expect_err(expected).to_string();
    let trim = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    assert_eq!(trim(&error), trim(expected), "\n{error}");
}

#[test]
fn a_malformed_line_is_told_with_file_line_and_function() {
    refused(
        "/// Gets it.
        ///
        /// `FETCH /items`
        get-it: func();",
        "a.wit:5: a:b/i · get-it: unknown method `FETCH`
         write instead: GET, POST, PUT, PATCH or DELETE",
    );
}

#[test]
fn a_service_is_not_mounted_over_a_route() {
    let contracts = read(&["package a:one; interface one { \n/// `GET /things/{id}`\nget: func(id: string); }
        world service { export one; }"]);
    let services = [(ServiceName::parse("one").unwrap(), contracts.unwrap().world("a:one/service").unwrap())];
    let check = |mount: &str, route: Option<&str>| {
        let told = check_together(&services, &[(ServiceName::parse("web").unwrap(), mount.into())]);
        let told = told.map_err(|error| error.to_string());
        let Some(route) = route else { return assert_eq!(told, Ok(()), "{mount}") };
        let why = format!(
            "service web: it is mounted at `{mount}`, over the route {route}\n    write instead: another `mount` in its \
             section of the manifest"
        );
        assert_eq!(told, Err(why));
    };
    for apart in ["/", "/web", "/thing", "/things/a/b", "/Things"] {
        check(apart, None);
    }
    for over in ["/things", "/things/", "/things/a"] {
        check(over, Some("`/things/{id}` of service one · a:one/one · get"));
    }
    check("/openapi.json", Some("`/openapi.json` of the host itself"));
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    refused(
        "record r { s: stream<u8> }
        /// `GET /a/{b}`
        one: func(c: string);
        /// `every 1s`
        two: func(r: r) -> u32;
        /// `read` for `staff`
        three: async func();
        resource four;",
        "a.wit:2: a:b/i · r · field s: a stream cannot be kept, sent again or sent as JSON
         write instead: `list<…>`, in pages where it may be long
         a.wit:4: a:b/i · one: `b` stands in the path, but is no parameter of the function
         write instead: the WIT name of a parameter: `c`
         a.wit:6: a:b/i · two: a schedule passes no arguments, but the function has parameters
         write instead: `func()`, and read what it needs from the store
         a.wit:8: a:b/i · three: the function is async; calls between services already wait without blocking others
         write instead: `func` without `async`
         a.wit:8: a:b/i · three: the line has roles, but the function has no route, so no client can call it
         write instead: the line without `for …`
         a.wit:9: a:b/i · four: a resource lives in one component's memory and cannot be sent to another, or as JSON
         write instead: an id (`string`) that functions of the interface take",
    );
}

#[test]
fn a_route_and_the_parameters_have_to_agree() {
    refused(
        "/// `GET /a/{b}/{b}?c&d`
        f: func(b: string, c: string);",
        "a.wit:3: a:b/i · f: the parameter `b` stands twice in the route
         write instead: the parameter only once, in the path or in the query
         a.wit:3: a:b/i · f: `d` stands in the query, but is no parameter of the function
         write instead: the WIT name of a parameter: `b` and `c`",
    );
    refused(
        "/// `GET /a/{b}`
        f: func();",
        "a.wit:3: a:b/i · f: `b` stands in the path, but is no parameter of the function
         write instead: the route without it, or give the function that parameter",
    );
    refused(
        "/// `GET /a`
        f: func(b: string, c: u32);",
        "a.wit:3: a:b/i · f: `b` and `c` stand neither in the path nor in the query, and GET has no body
         write instead: `?b&c` behind the path, or use POST",
    );
    refused(
        "/// `POST /a/{b}`
        f: func(b: string, c: u32, d: u32, e: u32);",
        "a.wit:3: a:b/i · f: the body would be `c`, `d` and `e`: a request has one body
         write instead: all but one into the path (`/{name}`) or the query (`?name`), or one record that holds them",
    );
    refused(
        "/// `GET /a/{b}?c&d`
        f: func(b: option<string>, c: list<string>, d: option<u8>);",
        "a.wit:3: a:b/i · f: the parameter `b` stands in the path, where `option<string>` cannot be written
         write instead: a string, number, bool, char or enum, or move it to the body
         a.wit:3: a:b/i · f: the parameter `c` stands in the query, where `list<string>` cannot be written
         write instead: a string, number, bool, char or enum, or an option of one, or move it to the body",
    );
    refused(
        "/// `DELETE /a -> 204`
        f: func() -> u32;",
        "a.wit:3: a:b/i · f: the route answers 204, which has no body, but the function returns a value
         write instead: `-> 200`, or no result but the error: `result<_, …>`",
    );
}

#[test]
fn two_functions_on_one_route_are_refused_and_overlapping_ones_are_not() {
    refused(
        "/// `GET /a/{x}`
        f: func(x: string);
        /// `GET /a/{y}`
        g: func(y: string);
        /// `GET /a/b`
        h: func();
        /// `PUT /a/{z}`
        i: func(z: string);
        /// `GET /openapi.json`
        j: func();",
        "a.wit:5: a:b/i · g: `GET /a/{y}` is the route of a:b/i · f too
         write instead: another path or method for one of them
         a.wit:11: a:b/i · j: `GET /openapi.json` is what the host answers itself
         write instead: another path",
    );
    refused_packages(
        &["package a:b;
        interface i {
            /// `GET /a`
            f: func();
        }
        interface j {
            /// `GET /a`
            f: func();
        }
        world w { export i; export j; }"],
        "a.wit:8: a:b/j · f: `GET /a` is the route of a:b/i · f too
         write instead: another path or method for one of them",
    );
}

#[test]
fn the_number_of_calls_at_once_is_a_number_and_not_for_authenticate() {
    refused(
        "record identity { id: string, role: string }
        /// `at most 2 at once`
        ///
        /// `authenticate`
        f: func(token: string) -> option<identity>;",
        "a.wit:6: a:b/i · f: the calls of `authenticate` have slots of their own
         write instead: the doc comment without `at most …`",
    );
    refused(
        "/// `at most some at once`
        f: func();",
        "a.wit:3: a:b/i · f: `at most some at once` does not say how many calls run at once
         write instead: `at most 2 at once`, with a number from 1 to 10000",
    );
}

#[test]
fn events_schedules_and_authenticate_have_their_shapes() {
    refused(
        "/// `event`
        f: func() -> result;",
        "a.wit:3: a:b/i · f: an event returns nothing to its emitter, but the function has a result
         write instead: the function without `-> …`",
    );
    refused(
        "/// `event by skus`
        f: func(sku: string, on-hand: u32);",
        "a.wit:3: a:b/i · f: events are ordered by `skus`, which is no parameter of the function
         write instead: `event by sku`",
    );
    refused(
        "/// `event by order`
        f: func(sku: string, on-hand: u32);",
        "a.wit:3: a:b/i · f: events are ordered by `order`, which is no parameter of the function
         write instead: the WIT name of a parameter: `sku` and `on-hand`",
    );
    refused(
        "/// `event by sku`
        f: func();",
        "a.wit:3: a:b/i · f: events are ordered by `sku`, which is no parameter of the function
         write instead: `event` alone",
    );
    refused(
        "/// `event by skus`
        f: func(skus: list<string>);",
        "a.wit:3: a:b/i · f: events are ordered by `skus`, which is `list<string>`
         write instead: a parameter that is a string, number, bool, char or enum, or `event` alone",
    );
    let shape = "write instead: `func(token: string) -> option<identity>`, where `identity` is a record of `id: string`, `role: string` and, if need be, `session: option<string>`";
    for function in [
        "f: func(token: string) -> string;",
        "f: func(token: string) -> option<string>;",
        "f: func(token: u32) -> option<who>;",
        "f: func(a: string, b: string) -> option<who>;",
        "f: func(token: string) -> option<short>;",
        "f: func(token: string) -> option<long>;",
        "f: func(token: string) -> result<option<who>>;",
    ] {
        refused(
            &format!(
                "record who {{ id: string, role: string }} record short {{ id: string }}
                record long {{ id: string, role: string, session: string }}
                /// `authenticate`
                {function}"
            ),
            &format!("a.wit:5: a:b/i · f: the host cannot ask this function who a caller is\n{shape}"),
        );
    }
    refused(
        "record who { id: string, role: string, session: option<string> }
        /// `authenticate`
        f: func(token: string) -> option<who>;
        /// `authenticate`
        g: func(token: string) -> option<who>;",
        "a.wit:6: a:b/i · g: a:b/i · f carries `authenticate` too
         write instead: `authenticate` on only one function of all services",
    );
}

#[test]
fn a_type_that_is_no_plain_value_is_told_once_where_it_stands() {
    refused(
        "record inner { later: future<string> }
        record outer { inner: inner }
        variant v { x(error-context) }
        type alias = outer;
        f: func(a: alias, b: outer, v: v) -> list<inner>;
        g: func(m: map<string, u32>);",
        "a.wit:2: a:b/i · inner · field later: a future cannot be kept, sent again or sent as JSON
         write instead: `list<…>`, in pages where it may be long
         a.wit:4: a:b/i · v · case x: an error-context cannot be kept, sent again or sent as JSON
         write instead: `list<…>`, in pages where it may be long
         a.wit:7: a:b/i · g: the reference toolchains do not support maps yet
         write instead: `list<tuple<k, v>>`",
    );
}

#[test]
fn a_host_s_resource_is_refused_in_a_contract() {
    refused_packages(
        &[
            "package a:b; interface i { use wasi:io/streams@0.2.6.{input};
            record r { source: input }
            f: func(r: r); }",
            "package wasi:io@0.2.6; interface streams { resource input; }",
        ],
        "a.wit:2: a:b/i · r · field source: a resource lives in one component's memory and cannot be sent to another, or as JSON
         write instead: an id (`string`) that functions of the interface take",
    );
}

#[test]
fn types_may_be_64_deep_and_no_deeper() {
    let deep = |depth: usize| {
        let types = (2..=depth).map(|level| format!("record t{level} {{ a: t{} }}\n", level - 1));
        format!("type t1 = string;\n{}f: func(a: t{depth});", types.collect::<String>())
    };
    let wrap = |body: String| format!("package a:b; interface i {{\n{body}\n}} world w {{ export i; }}");
    assert!(read(&[&wrap(deep(64))]).is_ok());
    refused(
        &deep(66),
        "a.wit:66: a:b/i · t65: the type is nested deeper than 64 types
         write instead: an id instead of the nested value",
    );
}

#[test]
fn names_have_to_differ_in_json_too() {
    refused(
        "record r { line1: string, line-1: string }
        f: func(a-2: u8, a2: u8);",
        "a.wit:2: a:b/i · r: `line1` and `line-1` are both `line1` in JSON
         write instead: names that differ in more than hyphens
         a.wit:3: a:b/i · f: `a-2` and `a2` are both `a2` in JSON
         write instead: names that differ in more than hyphens",
    );
}

#[test]
fn statuses_stand_on_errors_and_on_all_cases_that_clients_see() {
    refused(
        "variant problem {
            /// `404`
            gone(string),
            taken(string),
            /// `200`
            fine,
            /// `422`
            wrong(u32),
            /// `409`
            busy(status),
        }
        record status { status: u32 }
        /// `GET /a`
        f: func() -> result<u32, problem>;",
        "a.wit:5: a:b/i · problem · case taken: the case has no status, though others of this error have one, and `a:b/i · f` sends it to clients
         write instead: its status in backticks, alone on a line of its doc comment: `` `409` ``
         a.wit:7: a:b/i · problem · case fine: `200` is no status of an error
         write instead: a status from 400 to 599: `404`
         a.wit:9: a:b/i · problem · case wrong: the payload of an error that `a:b/i · f` sends to clients is `u32`
         write instead: `string` (the `detail` for clients), or a record, whose fields become members of the problem document
         a.wit:11: a:b/i · problem · case busy: its payload's field `status` hides a member of every problem document
         write instead: another name for the field",
    );
    refused(
        "enum kind {
            /// `404`
            small,
        }
        f: func() -> kind;",
        "a.wit:4: a:b/i · kind · case small: the status is never sent: no function returns the type as its error
         write instead: it on the cases of the variant or enum `e` of a `result<…, e>`, or leave it out",
    );
}

#[test]
fn a_world_has_named_interfaces_and_what_the_host_offers() {
    refused_packages(
        &[
            "package a:b;
            world w {
                export run: func();
                import log: interface { f: func(); }
                import wasi:io/streams@0.2.6;
                import wasi:gpu/gpu@1.0.0;
                export wasi:io/streams@0.2.6;
            }",
            "package wasi:io@0.2.6; interface streams { resource input; }",
            "package wasi:gpu@1.0.0; interface gpu { f: func(); }",
        ],
        "a.wit:2: a:b/w: the world has the interface `log` outside of a named interface
         write instead: the item in an interface of the package, and import or export that interface
         a.wit:2: a:b/w: the world imports `wasi:gpu/gpu@1.0.0`, which the host does not offer
         write instead: one of the interfaces that docs/contract.md lists, or none
         a.wit:3: a:b/w: the world has the function `run` outside of a named interface
         write instead: the item in an interface of the package, and import or export that interface
         a.wit:7: a:b/w: the world exports `wasi:io/streams@0.2.6`, which the host does not call in a contract
         write instead: the world without it; a service that handles HTTP itself has a `mount` and no contract",
    );
}

#[test]
fn every_file_that_is_not_wit_is_told_with_its_line() {
    refused_packages(
        &["package a:b; interface", "package a:c; interface i { f: func(; }", "package a:d;"],
        "expected an identifier or string, found eof
         --> a.wit:1:23
         |
         1 | package a:b; interface
         |                       ^
         expected an identifier or string, found ';'
         --> b.wit:1:36
         |
         1 | package a:c; interface i { f: func(; }
         |                                    ^",
    );
}

#[test]
fn a_name_that_leads_nowhere_is_told() {
    refused_packages(
        &["package a:b; interface i { use a:types/types@1.0.0.{money}; f: func(m: money); }"],
        "package 'a:types@1.0.0' not found. known packages:
         a:b
         --> a.wit:1:32
         |
         1 | package a:b; interface i { use a:types/types@1.0.0.{money}; f: func(m: money); }
         |                                ^------",
    );
}

#[test]
fn services_in_one_host_share_no_route_no_authenticate_and_no_interface_that_is_called() {
    let package = |name: &str, path: &str| {
        format!(
            "package a:{name};
            interface {name} {{
                record who {{ id: string, role: string }}
                /// `GET /{path}/{{id}}`
                get: func(id: string);
                /// `authenticate`
                who-is: func(token: string) -> option<who>;
            }}
            world service {{ export {name}; }}
            world caller {{ import {name}; }}"
        )
    };
    let contracts = read(&[&package("one", "things"), &package("two", "things")]).unwrap();
    let check = |services: &[(&str, &str)]| {
        let services: Vec<_> = services
            .iter()
            .map(|(name, world)| (ServiceName::parse(name).unwrap(), contracts.world(world).unwrap()))
            .collect();
        check_together(&services, &[]).map_err(|error| error.to_string())
    };
    assert_eq!(check(&[("one", "a:one/service"), ("caller", "a:one/caller"), ("two", "a:two/caller")]), Ok(()));
    assert_eq!(
        check(&[("one", "a:one/service"), ("two", "a:two/service")]).unwrap_err(),
        "service two · a:two/two · get: `GET /things/{id}` is the route of service one · a:one/one · get too
    write instead: another path or method for one of them
service two · a:two/two · who-is: service one · a:one/one · who-is carries `authenticate` too
    write instead: `authenticate` on only one function of all services"
    );
    let twice = check(&[("one", "a:one/service"), ("other", "a:one/service"), ("caller", "a:one/caller")]);
    assert!(twice.unwrap_err().contains(
        "service other: service one exports `a:one/one` too, and service caller calls it: the host cannot tell which \
             one is meant"
    ),);
}
