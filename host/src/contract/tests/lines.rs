//! The grammar of doc comments, as tables of lines and their parsed form.

use proptest::prelude::*;

use crate::contract::read::at_once::at_once_docs;
use crate::contract::read::line::{LineReach, case_docs, field_docs, function_docs};

/// The parsed form of a line as one text; `-` if it is prose.
fn read(docs: &str) -> String {
    match function_docs(docs).1 {
        Ok(None) => "-".into(),
        Err(error) => format!("{error}; {}", error.instead()),
        Ok(Some(line)) => {
            let roles = if line.roles.is_empty() { String::new() } else { format!(" for {}", line.roles.join("|")) };
            let reach = match line.reach {
                LineReach::Http(line) => {
                    let success = line.success.map_or(String::new(), |code| format!(" -> {code}"));
                    let query =
                        if line.query.is_empty() { String::new() } else { format!("?{}", line.query.join("&")) };
                    let age = line.max_age.map_or(String::new(), |age| format!(" max-age {}s", age.as_secs()));
                    format!("{} {}{query}{success}{age}", line.method, line.json_path())
                }
                LineReach::Every(period) => format!("every {}ms", period.as_millis()),
                LineReach::Event { by } => by.map_or("event".into(), |key| format!("event by {key}")),
                other => format!("{other:?}"),
            };
            format!("{reach}{roles}")
        }
    }
}

#[track_caller]
fn check(table: &[(&str, &str)]) {
    for (docs, expected) in table {
        assert_eq!(read(docs), *expected, "{docs:?}");
    }
}

#[test]
fn a_line_is_read_as_it_says() {
    check(&[
        ("`GET /`", "GET /"),
        ("`GET /items`", "GET /items"),
        ("  `GET  /items/{sku}`  ", "GET /items/{sku}"),
        ("`GET /a/{address-id}/b~c.d_e`", "GET /a/{addressId}/b~c.d_e"),
        ("`GET /items?query&order-id`", "GET /items?query&order-id"),
        ("`POST /carts -> 201`", "POST /carts -> 201"),
        ("`POST /carts->201`", "POST /carts -> 201"),
        ("`GET /items?query max-age 30s`", "GET /items?query max-age 30s"),
        ("`GET /items -> 200 max-age  2m` for `staff`", "GET /items -> 200 max-age 120s for staff"),
        ("`PUT /a -> 204` for `staff`", "PUT /a -> 204 for staff"),
        ("`PATCH /a` for `customer` or `staff`", "PATCH /a for customer|staff"),
        ("`DELETE /a` for `a` or `b` or `c-d`", "DELETE /a for a|b|c-d"),
        ("`read`", "Read"),
        ("`event`", "event"),
        ("`event by order-id`", "event by order-id"),
        ("`event  by  sku`", "event by sku"),
        ("`event` for `staff`", "event for staff"),
        ("`event by sku` for `staff`", "event by sku for staff"),
        ("`authenticate`", "Authenticate"),
        ("`export`", "Export"),
        ("`import`", "Import"),
        ("`export` for `staff`", "Export for staff"),
        ("`every 30s`", "every 30000ms"),
        ("`every 100ms`", "every 100ms"),
        ("`every 5m`", "every 300000ms"),
        ("`every 2h`", "every 7200000ms"),
        ("`every 7d`", "every 604800000ms"),
        ("Gets an item.\n\n`GET /items/{sku}`\n\nIt is quick.", "GET /items/{sku}"),
    ]);
}

#[test]
fn prose_stays_prose() {
    check(&[
        ("", "-"),
        ("Gets `GET /items/{sku}` for you.", "-"),
        ("`declined` and `unreachable` leave the attempt on record.", "-"),
        ("`read` is not what this does", "-"),
        ("`export` gives it", "-"),
        ("`event by sku` is in order", "-"),
        ("an `event", "-"),
        ("`an unclosed backtick", "-"),
        ("GET is the method", "-"),
        ("```\nGET /items\n`POST /items`\n```", "-"),
        ("Every 30 seconds", "-"),
    ]);
}

#[test]
fn a_malformed_line_is_told_with_what_to_write() {
    let words = "a route (`GET /items/{sku}`), `read`, `event`, `every 30s`, `authenticate`, `export` or `import`, or put the words into a sentence";
    let path = "a path such as `/items/{sku}`: each segment letters, digits, `-`, `.`, `_` and `~`, or one parameter's WIT name in braces";
    let roles = "``for `customer` `` or ``for `customer` or `staff` `` after the closing backtick";
    let period = "a whole number and `ms`, `s`, `m`, `h` or `d`: `every 30s`";
    let query = "the WIT names of parameters: `/items?category&limit`";
    let success = "`-> 200`, `-> 201`, `-> 202` or `-> 204`";
    let age = "a whole number and `s`, `m`, `h` or `d`, from 1s to 7d, behind a `GET`: `GET /items max-age 30s`";
    for (text, given) in [("GET", "500ms"), ("GET", "8d"), ("GET", "30"), ("GET", ""), ("POST", "30s")] {
        let line = format!("`{text} /a max-age {given}`");
        let told = format!("`{given}` does not say for how long caches may give the answer to a `GET`; {age}");
        assert_eq!(read(&line), told, "{line}");
    }
    let key = "`event by sku`, with the WIT name of one parameter, or `event` alone";
    check(&[
        ("`event by`", &format!("`by` behind `event` does not say what orders the events; {key}")),
        ("`event by a b`", &format!("`by a b` behind `event` does not say what orders the events; {key}")),
        ("`event by a_b`", &format!("`by a_b` behind `event` does not say what orders the events; {key}")),
        ("`event sku`", &format!("`sku` behind `event` does not say what orders the events; {key}")),
        (
            "GET /items",
            "`GET /items` looks like a line that says how the function is reached, but is not in backticks; `` `GET /items` ``, alone on its line",
        ),
        ("`GET /items", "the backtick is not closed in `GET /items; one more backtick behind the route"),
        ("`fetch`", &format!("`fetch` says nothing about how a function is reached; {words}")),
        ("`reads it`", &format!("`reads it` says nothing about how a function is reached; {words}")),
        ("`FETCH /items`", "unknown method `FETCH`; GET, POST, PUT, PATCH or DELETE"),
        ("`get /items`", "unknown method `get`; GET, POST, PUT, PATCH or DELETE"),
        ("`HEAD /items` for `staff`", "unknown method `HEAD`; GET, POST, PUT, PATCH or DELETE"),
        ("`GET`", "the line has no path; the path behind the method: `GET /items`"),
        ("`POST -> 201`", "the line has no path; the path behind the method: `POST /items`"),
        ("`GET items`", &format!("the path `items` does not begin with `/`; {path}")),
        ("`GET /items/`", &format!("the path `/items/` has an empty segment; {path}")),
        ("`GET //`", &format!("the path `//` has an empty segment; {path}")),
        ("`GET /a/../b`", &format!("the path `/a/../b` has a segment `.` or `..`, which clients remove; {path}")),
        ("`GET /a/{b}c`", &format!("the path `/a/{{b}}c` has a parameter that is not a whole segment; {path}")),
        ("`GET /a/{b`", &format!("the path `/a/{{b` has a parameter that is not a whole segment; {path}")),
        ("`GET /a/{}`", &format!("the path `/a/{{}}` has a parameter whose name is not a WIT name; {path}")),
        ("`GET /a/{b_c}`", &format!("the path `/a/{{b_c}}` has a parameter whose name is not a WIT name; {path}")),
        ("`GET /a/%20`", &format!("the path `/a/%20` has a character that is not allowed in a path; {path}")),
        ("`GET /a b`", &format!("the path `/a b` has a character that is not allowed in a path; {path}")),
        ("`GET /a?`", &format!("the query `` has an empty name; {query}")),
        ("`GET /a?b&&c`", &format!("the query `b&&c` has an empty name; {query}")),
        ("`GET /a?b=c`", &format!("the query `b=c` has a name that is not a WIT name; {query}")),
        ("`POST /a -> 404`", &format!("`404` is no status of success; {success}")),
        ("`POST /a -> created`", &format!("`created` is no status of success; {success}")),
        ("`every`", &format!("`` is no period from 100ms to 7days; {period}")),
        ("`every 30`", &format!("`30` is no period from 100ms to 7days; {period}")),
        ("`every 10ms`", &format!("`10ms` is no period from 100ms to 7days; {period}")),
        ("`every 8d`", &format!("`8d` is no period from 100ms to 7days; {period}")),
        (
            "`every 99999999999999999999d`",
            &format!("`99999999999999999999d` is no period from 100ms to 7days; {period}"),
        ),
        ("`every 0.5h`", &format!("`0.5h` is no period from 100ms to 7days; {period}")),
        ("`import it`", "`it` is too much behind `import`; `import` alone"),
        ("`read it`", "`it` is too much behind `read`; `read` alone"),
        ("`GET /a` for staff", &format!("for staff does not say who may call; {roles}")),
        ("`GET /a` by `staff`", &format!("by `staff` does not say who may call; {roles}")),
        ("`GET /a` for `a`, `b`", &format!("for `a`, `b` does not say who may call; {roles}")),
        ("`GET /a` for", &format!("for does not say who may call; {roles}")),
        ("`GET /a` for `a` or `a`", "the role `a` stands twice; every role once"),
        ("`GET /a` gets it", &format!("gets it does not say who may call; {roles}")),
        (
            "`GET /a`\n`POST /b`",
            "the doc comment has 2 lines that say how the function is reached; only one of them; give each other \
             line its own function",
        ),
        ("`GET /a`\n`FETCH /b`", "unknown method `FETCH`; GET, POST, PUT, PATCH or DELETE"),
    ]);
}

#[test]
fn the_line_is_taken_out_of_the_text() {
    let docs = "Gets an item.\n\nIt has `backticks`.\n\n`GET /items/{sku}` for `staff`\n\n```\n`code`\n```\n";
    assert_eq!(function_docs(docs).0, "Gets an item.\n\nIt has `backticks`.\n\n```\n`code`\n```");
    assert_eq!(function_docs("`read`").0, "");
    assert_eq!(case_docs("Gone.\n\n`404`").0, "Gone.");
}

#[test]
fn a_status_is_read_as_it_says() {
    let read = |docs| match case_docs(docs).1 {
        Ok(None) => "-".into(),
        Ok(Some(status)) => format!("{}{}", status.code, if status.commits { " commits" } else { "" }),
        Err(error) => format!("{error}; {}", error.instead()),
    };
    for (docs, expected) in [
        ("", "-"),
        ("`404`", "404"),
        ("Gone.\n\n`404`", "404"),
        ("`402` commits", "402 commits"),
        ("`captured` or `refunded`", "-"),
        ("`captured`", "-"),
        ("`10` cm at most", "-"),
        ("404 is what clients see", "-"),
        ("`200`", "`200` is no status of an error; a status from 400 to 599: `404`"),
        ("`600`", "`600` is no status of an error; a status from 400 to 599: `404`"),
        ("`40x`", "`40x` is no status of an error; a status from 400 to 599: `404`"),
        ("`99999999`", "`99999999` is no status of an error; a status from 400 to 599: `404`"),
        (
            "`402` keeps",
            "keeps behind the status says nothing; only the status, or `` `402` commits `` to keep the call's writes",
        ),
        ("`402`\n`404`", "the doc comment has 2 statuses; one of them"),
    ] {
        assert_eq!(read(docs), expected, "{docs:?}");
    }
}

#[test]
fn a_number_of_calls_at_once_is_read_as_it_says() {
    let (wrong, instead) =
        ("does not say how many calls run at once", "`at most 2 at once`, with a number from 1 to 10000");
    for (docs, expected) in [
        ("", "-".to_owned()),
        ("`at most 2 at once`", "2".into()),
        ("Signs in.\n\n  `at  most 10000 at once`\n\n`POST /sessions`", "10000".into()),
        ("at most 2 at once", "-".into()),
        ("`at most 2 at once` is enough", "-".into()),
        ("Runs `at most 2 at once`", "-".into()),
        ("```\n`at most 2 at once`\n```", "-".into()),
        ("`at home`", "-".into()),
        ("`at most 0 at once`", format!("`at most 0 at once` {wrong}; {instead}")),
        ("`at most 10001 at once`", format!("`at most 10001 at once` {wrong}; {instead}")),
        ("`at most +2 at once`", format!("`at most +2 at once` {wrong}; {instead}")),
        (
            "`at most 99999999999999999999 at once`",
            format!("`at most 99999999999999999999 at once` {wrong}; {instead}"),
        ),
        ("`at most two at once`", format!("`at most two at once` {wrong}; {instead}")),
        ("`at most 2`", format!("`at most 2` {wrong}; {instead}")),
        ("`at most 2 at a time`", format!("`at most 2 at a time` {wrong}; {instead}")),
        ("`at most`", format!("`at most` {wrong}; {instead}")),
        (
            "`at most 2 at once`\n`at most 3 at once`",
            "the doc comment says 2 times how many calls run at once; it once".into(),
        ),
    ] {
        let read = match at_once_docs(docs).1 {
            Ok(None) => "-".into(),
            Ok(Some(number)) => number.to_string(),
            Err(error) => format!("{error}; {}", error.instead()),
        };
        assert_eq!(read, expected, "{docs:?}");
    }
    let (rest, _) = at_once_docs("Signs in.\n\n`at most 2 at once`\n\n`POST /sessions`");
    assert_eq!(function_docs(&rest).0, "Signs in.");
    assert_eq!(read(&rest), "POST /sessions");
}

proptest! {
    #[test]
    fn no_text_makes_the_grammar_panic(docs in any::<String>()) {
        let _read = (function_docs(&docs), case_docs(&docs), field_docs(&docs), at_once_docs(&docs));
    }

    #[test]
    fn no_text_out_of_pieces_of_lines_makes_the_grammar_panic(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "`", "```", "GET", "POST", "every", "read", "30s", "é", " ", " ", "\n", "/", "{", "}", "id", "?", "&",
                "->", "201", "404", "for", "or", "staff", "commits", "at most", "at once", "..", "-", "99999999999999999999",
            ]),
            0..24,
        ),
    ) {
        let docs = pieces.concat();
        let _read = (function_docs(&docs), case_docs(&docs), at_once_docs(&docs));
    }

    #[test]
    fn every_route_of_right_pieces_is_read(
        segments in prop::collection::vec("[a-z0-9._~-]{1,8}|\\{[a-z]{1,4}(-[a-z0-9]{1,4}){0,2}\\}", 0..5),
        roles in prop::collection::btree_set("[a-z]{1,6}", 0..3),
    ) {
        prop_assume!(segments.iter().all(|segment| segment != "." && segment != ".."));
        let listed: Vec<_> = roles.iter().map(|role| format!("`{role}`")).collect();
        let by = if listed.is_empty() { String::new() } else { format!(" for {}", listed.join(" or ")) };
        let line = function_docs(&format!("`PUT /{}`{by}", segments.join("/"))).1.unwrap().unwrap();
        let LineReach::Http(http) = line.reach else { panic!("no route") };
        prop_assert_eq!(http.path.len(), segments.len());
        prop_assert_eq!(line.roles, roles.into_iter().collect::<Vec<_>>());
    }
}
