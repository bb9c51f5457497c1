use super::*;

#[test]
fn an_address_keeps_what_it_was_made_of() {
    let check = |request: Request, address: &str| assert_eq!(request.address, address);
    check(Request::get(&["services"]), "/services");
    let path = ["services", "cart", "call", "shop:a/b@1.0.0.f ä"];
    check(Request::post(&path), "/services/cart/call/shop%3Aa%2Fb%401.0.0.f%20%C3%A4");
    let request = Request::post(&["a"]).query("grant", ["b c", "d&e"]).query("to", None::<&str>);
    check(request.flag("force", true).flag("dryRun", false), "/a?grant=b%20c&grant=d%26e&force=true");
}
