use super::*;

#[test]
fn only_a_hashed_name_is_kept_forever() {
    let check = |name: &str, forever: bool| {
        assert_eq!(cache_control(Path::new(name), 300) == FOREVER, forever, "{name}");
    };
    check("app.3f2a9c1b.js", true);
    check("chunk-0a1b2c3d4e5f.css", true);
    check("index-B3x9kQaz.js", true);
    check("app.js", false);
    check("3f2a9c1b.js", false);
    check("report-20240101.pdf", false);
    check("photo-1920x1080.jpg", false);
    check("tea-deadbeef.svg", false);
    check("some-component.js", false);
    check("index.html", false);
}

#[test]
fn text_says_that_it_is_utf_8() {
    let check = |name: &str, expected: &str| assert_eq!(content_type(Path::new(name)), expected, "{name}");
    check("index.html", "text/html; charset=utf-8");
    check("app.css", "text/css; charset=utf-8");
    check("app.js", "text/javascript; charset=utf-8");
    check("data.json", "application/json; charset=utf-8");
    check("tea.svg", "image/svg+xml");
    check("tea.webp", "image/webp");
    check("app.wasm", "application/wasm");
    check("LICENSE", "application/octet-stream");
}

#[test]
fn a_page_is_asked_for_again_and_what_it_uses_after_a_while() {
    let check = |name: &str, max_age_s: u32, expected: &str| {
        assert_eq!(cache_control(Path::new(name), max_age_s), expected, "{name}");
    };
    check("index.html", 300, "public, max-age=0, must-revalidate");
    check("shop.js", 300, "public, max-age=300, must-revalidate");
    check("shop.js", 0, "public, max-age=0, must-revalidate");
}
