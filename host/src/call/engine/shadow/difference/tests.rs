use serde_json::json;

use super::*;

#[test]
fn the_first_difference_of_two_values_has_its_place_and_no_texts() {
    let check = |one: Json, other: Json, told: Option<(&str, &str, &str)>| {
        let found = in_json(&one, &other, String::new());
        let found = found.as_ref().map(|(path, one, other)| (path.as_str(), one.as_str(), other.as_str()));
        assert_eq!(found, told, "{one} {other}");
    };
    check(json!({"a": [1, 2]}), json!({"a": [1, 2]}), None);
    check(json!({"a": [1, 2]}), json!({"a": [1, 3]}), Some(("/a/1", "2", "3")));
    check(json!({"a": [1]}), json!({"a": [1, "secret"]}), Some(("/a/1", "nothing", "a text of 6 characters")));
    check(json!({"a/b": null}), json!({}), Some(("/a~1b", "null", "nothing")));
    check(json!({}), json!({"new": {"x": 1}}), Some(("/new", "nothing", "an object of 1 backends")));
    check(json!("anna"), json!("anni"), Some(("", "a text of 4 characters", "a text of 4 characters")));
    check(json!([]), json!({}), Some(("", "0 items", "an object of 0 backends")));
}
