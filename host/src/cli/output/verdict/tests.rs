use serde_json::{Value, json};

use super::*;

fn render(verdict: Value) -> String {
    text(&serde_json::from_value(verdict).expect("a verdict"))
}

fn verdict(accepted: bool, checks: Value) -> Value {
    json!({
        "accepted": accepted, "service": "cart", "digest": format!("sha256:{}", "0a1b2c3d".repeat(8)),
        "world": "shop:cart/cart-service@1.0.0", "checks": checks, "problems": [], "problemsMore": 0,
    })
}

#[test]
fn a_refusal_names_every_problem_and_what_to_do() {
    let mut refused = verdict(
        false,
        json!([
            {"name": "component", "passed": true, "detail": ""},
            {"name": "contract", "passed": false, "detail": "2 problems"},
            {"name": "grants", "passed": false, "detail": "it may not send requests to api.example.com"},
        ]),
    );
    refused["problems"] = json!([
        {"path": "shop:cart/cart@1.0.0 · checkout · result", "expected": "order", "found": "string", "detail": ""},
        {"path": "shop:cart/cart@1.0.0 · add-line", "expected": "func(sku: string)", "found": "nothing",
         "detail": "it exports add-item, which nobody asks for"},
    ]);
    refused["problemsMore"] = json!(3);
    refused["asks"] = json!({"more": ["wasi:http"], "less": [], "needsGrant": ["api.example.com"]});
    let expected = "\
refused: 0a1b2c3d0a1b cannot replace the live release of cart (shop:cart/cart-service@1.0.0)
  passed  component
  FAILED  contract   2 problems
  FAILED  grants     it may not send requests to api.example.com
  shop:cart/cart@1.0.0 · checkout · result
    expected: order
    found:    string
  shop:cart/cart@1.0.0 · add-line
    expected: func(sku: string)
    found:    nothing
    it exports add-item, which nobody asks for
  and 3 problems more
  asks more: wasi:http
  needs a grant: api.example.com
what to do:
  - make the component keep its contract: `switchyard check FILE --contract shop:cart/cart-service@1.0.0` tries it
  - name each host that it may reach, such as --grant api.example.com, or build it with http disabled";
    assert_eq!(render(refused), expected);
}

#[test]
fn a_break_is_told_by_neighbour() {
    let mut refused = verdict(false, json!([{"name": "compatibility", "passed": false, "detail": "breaks inventory"}]));
    refused["compatibility"] = json!({
        "level": "breaking", "bump": "major", "added": ["shop:cart/cart@2.0.0 · merge"],
        "breaks": [{"service": "inventory", "problemsMore": 1, "problems": [
            {"path": "shop:cart/cart@1.0.0 · release", "expected": "func(id: string)", "found": "nothing", "detail": ""}
        ]}],
    });
    let expected = "\
refused: 0a1b2c3d0a1b cannot replace the live release of cart (shop:cart/cart-service@1.0.0)
  FAILED  compatibility  breaks inventory
  compatible: breaking for inventory; the contract deserves a major version
    inventory
      shop:cart/cart@1.0.0 · release
        expected: func(id: string)
        found:    nothing
      and 1 problem more
    new: shop:cart/cart@2.0.0 · merge
what to do:
  - deploy both sides as one: `switchyard deploy --set cart=FILE inventory=FILE`";
    assert_eq!(render(refused), expected);
}

#[test]
fn an_accepted_component_is_told_with_what_it_took() {
    let mut accepted = verdict(
        true,
        json!([
            {"name": "contract", "passed": true, "detail": ""},
            {"name": "migration", "passed": true, "detail": "data version 1 to 2: no rollback without --force after it"},
        ]),
    );
    accepted["compatibility"] = json!({"level": "dropIn", "bump": "none", "breaks": [], "added": []});
    accepted["timings"] = json!({"compileMs": 81.26, "startMs": 3});
    let expected = "\
accepted: 0a1b2c3d0a1b can replace the live release of cart (shop:cart/cart-service@1.0.0)
  passed  contract
  passed  migration  data version 1 to 2: no rollback without --force after it
  compatible: drop-in: no other service notices the swap
  took: compile 81.3 ms, start 3.0 ms";
    assert_eq!(render(accepted), expected);
}

#[test]
fn every_check_that_can_fail_has_its_advice() {
    let names = ["component", "contract", "signature", "grants", "compatibility", "start", "migration", "data"];
    for name in names {
        let text = render(verdict(false, json!([{"name": name, "passed": false}])));
        assert!(!text.contains("says above"), "{text}");
    }
    // A host of a later version may have more checks.
    let text = render(verdict(false, json!([{"name": "later", "passed": false, "detail": "why"}])));
    assert!(text.ends_with("  - see to what `later` says above"), "{text}");
}
