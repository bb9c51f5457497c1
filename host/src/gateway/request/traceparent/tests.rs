use super::*;

#[test]
fn a_malformed_traceparent_is_as_good_as_none() {
    let check = |text: &str, good: bool| assert_eq!(TraceParent::parse(text).is_some(), good, "{text:?}");
    check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true);
    check("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", true);
    check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", false);
    check("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false);
    check("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false);
    check("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false);
    check("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false);
    check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", false);
    check("", false);
}

#[test]
fn the_last_bit_of_the_flags_says_whether_the_client_records_the_trace() {
    let check = |flags: &str, is_sampled: bool| {
        let text = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        assert_eq!(TraceParent::parse(&text).map(|parent| parent.is_sampled), Some(is_sampled), "{flags}");
    };
    check("01", true);
    check("03", true);
    check("00", false);
    check("fe", false);
}
