use super::*;

fn checked(text: &str) -> Result<(), OverLimit> {
    check(&wat::parse_str(text).expect("the text is right"))
}

fn over(text: &str) -> (&'static str, u64) {
    let over = checked(text).expect_err("it is over a limit");
    (over.limit, over.found)
}

fn repeated(text: &str, times: u64) -> String {
    text.repeat(times.try_into().expect("a few"))
}

#[test]
fn a_component_with_more_of_anything_than_the_compiler_should_be_given_is_refused_by_the_name_of_the_limit() {
    let module = |fields: &str| format!("(component (core module {fields}))");
    let of = |limit: &'static str, max: u64, text: &dyn Fn(u64) -> String| {
        assert_eq!(checked(&text(max)), Ok(()), "{limit}");
        assert_eq!(over(&text(max + 1)), (limit, max + 1));
    };
    // Beside its instructions a function has a byte for its locals, and one for its end.
    of("function_bytes_max", FUNCTION_BYTES_MAX, &|bytes| module(&format!("(func {})", repeated("nop ", bytes - 2))));
    of("function_locals_max", FUNCTION_LOCALS_MAX, &|locals| {
        module(&format!("(func (local {}) (local i64))", repeated("i32 ", locals - 1)))
    });
    of("component_functions_max", COMPONENT_FUNCTIONS_MAX, &|functions| {
        format!("(component (core module (func)) (core module {}))", repeated("(func)", functions - 1))
    });
    of("component_modules_max", COMPONENT_MODULES_MAX, &|modules| {
        format!("(component {})", repeated("(core module)", modules))
    });
    of("component_types_max", COMPONENT_TYPES_MAX, &|types| {
        format!("(component (type (instance {})))", repeated("(type u8) ", types - 1))
    });
    of("component_types_max", COMPONENT_TYPES_MAX, &|types| module(&repeated("(type (func)) ", types)));
    of("component_tables_max", COMPONENT_TABLES_MAX, &|tables| module(&repeated("(table 0 funcref)", tables)));
    of("component_memories_max", COMPONENT_MEMORIES_MAX, &|memories| module(&repeated("(memory 0)", memories)));
    // The component itself is an instance too.
    of("component_instances_max", COMPONENT_INSTANCES_MAX, &|instances| {
        format!("(component (core module $m) {})", repeated("(core instance (instantiate $m)) ", instances - 1))
    });
}

/// A component that instantiates the one before it twice, `levels` times.
fn doubled(levels: u32, around: impl Fn(u32, String) -> String) -> String {
    let innermost = "(component $c0)".to_owned();
    let text = (1..=levels).fold(innermost, |text, level| {
        let twice = repeated(&format!("(instance (instantiate $c{})) ", level - 1), 2);
        format!("(component $c{level} {} {twice})", around(level - 1, text))
    });
    format!("(component {text} (instance (instantiate $c{levels})))")
}

#[test]
fn instances_of_components_in_components_are_multiplied() {
    assert_eq!(
        checked(&doubled(8, |_, text| text)),
        Ok(()),
        "511 of the innermost and those around them, and the whole"
    );
    let (limit, found) = over(&doubled(30, |_, text| text));
    assert_eq!((limit, found), ("component_instances_max", 1023), "no further than it has to");
    // Under another index.
    let aliased = doubled(30, |level, text| format!("{text} (export \"c\" (component $c{level}))"));
    assert_eq!(over(&aliased).0, "component_instances_max");
    let outer = "(component $top (component $many (core module $m) ".to_owned()
        + &repeated("(core instance (instantiate $m)) ", 600)
        + ") (component $twice (alias outer $top $many (component $again)) (instance (instantiate $again))
             (instance (instantiate $again))) (instance (instantiate $twice)))";
    assert_eq!(over(&outer), ("component_instances_max", 1203));
}

#[test]
fn bytes_that_are_no_component_are_left_to_the_compiler() {
    for bytes in [&b""[..], b"not wasm", b"\0asm\x0d\0\x01\0\x04\xff", b"\0asm\x0d\0\x01\0"] {
        assert_eq!(check(bytes), Ok(()));
    }
}
