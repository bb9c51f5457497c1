//! The part of JSON Schema that the document uses. A test that meets any other keyword fails.

use serde_json::Value as Json;

/// The first violation of `schema` by `json`; `None` if it is valid. References point into `document`.
pub(super) fn violation(document: &Json, schema: &Json, json: &Json) -> Option<String> {
    let valid = |schema: &Json, json: &Json| violation(document, schema, json).is_none();
    let keywords = schema.as_object().expect("a schema is an object");
    let kept = |(keyword, rule): (&String, &Json)| match keyword.as_str() {
        "$ref" => valid(resolve(document, rule), json),
        "description" | "format" | "contentEncoding" => true,
        "type" => match rule {
            Json::Array(types) => types.iter().any(|name| is(name, json)),
            name => is(name, json),
        },
        "const" => rule == json,
        "enum" => rule.as_array().unwrap().contains(json),
        "minimum" => json.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
        "maximum" => json.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
        "minLength" => json.as_str().is_none_or(|text| text.chars().count() as u64 >= rule.as_u64().unwrap()),
        "maxLength" => json.as_str().is_none_or(|text| text.chars().count() as u64 <= rule.as_u64().unwrap()),
        "minItems" => json.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
        "maxItems" => json.as_array().is_none_or(|items| items.len() as u64 <= rule.as_u64().unwrap()),
        // Both patterns match decimal integers.
        "pattern" => json.as_str().is_none_or(|text| text.parse::<i128>().is_ok_and(|n| n.to_string() == text)),
        "uniqueItems" => json
            .as_array()
            .is_none_or(|items| (1..items.len()).all(|place| !items[place..].contains(&items[place - 1]))),
        "prefixItems" => json
            .as_array()
            .is_none_or(|items| rule.as_array().unwrap().iter().zip(items).all(|(schema, item)| valid(schema, item))),
        "items" => {
            let before = schema["prefixItems"].as_array().map_or(0, Vec::len);
            json.as_array().is_none_or(|items| {
                items.iter().skip(before).all(|item| rule != &Json::Bool(false) && valid(rule, item))
            })
        }
        "properties" => json.as_object().is_none_or(|members| {
            members.iter().all(|(name, value)| rule.get(name).is_none_or(|schema| valid(schema, value)))
        }),
        "required" => json.as_object().is_none_or(|members| {
            rule.as_array().unwrap().iter().all(|name| members.contains_key(name.as_str().unwrap()))
        }),
        "additionalProperties" => {
            assert_eq!(rule, &Json::Bool(false));
            json.as_object().is_none_or(|members| {
                members.keys().all(|name| schema.pointer("/properties").unwrap().get(name).is_some())
            })
        }
        "anyOf" => rule.as_array().unwrap().iter().any(|schema| valid(schema, json)),
        "allOf" => rule.as_array().unwrap().iter().all(|schema| valid(schema, json)),
        "oneOf" => rule.as_array().unwrap().iter().filter(|schema| valid(schema, json)).count() == 1,
        other => panic!("{other} is not known"),
    };
    let broken = keywords.iter().find(|keyword| !kept(*keyword))?;
    Some(format!("{json} is against {}: {}", broken.0, broken.1))
}

/// The target of `reference`.
pub(super) fn resolve<'d>(document: &'d Json, reference: &Json) -> &'d Json {
    let pointer = reference.as_str().unwrap().strip_prefix('#').expect("references lead into the same document");
    document.pointer(pointer).unwrap_or_else(|| panic!("nothing is at {reference}"))
}

fn is(name: &Json, json: &Json) -> bool {
    match name.as_str().unwrap() {
        "null" => json.is_null(),
        "boolean" => json.is_boolean(),
        "integer" => json.is_i64() || json.is_u64(),
        "number" => json.is_number(),
        "string" => json.is_string(),
        "array" => json.is_array(),
        "object" => json.is_object(),
        other => panic!("{other} is no type"),
    }
}
