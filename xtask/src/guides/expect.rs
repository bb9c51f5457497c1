//! Whether commands printed what a guide says. `…` in a line stands for any text, and a line of it for any lines.

const ANY: &str = "…";

/// Compares line by line.
///
/// # Errors
///
/// The first line that is not as expected.
pub(super) fn compare(expected: &str, printed: &str) -> Result<(), String> {
    let expected: Vec<_> = expected.lines().map(str::trim_end).collect();
    let printed: Vec<_> = printed.lines().map(str::trim_end).collect();
    if fit(&expected, &printed) {
        return Ok(());
    }
    // The first line with which what was printed does not go on.
    let goes_on = |lines: &[&str]| fit(&[lines, &[ANY]].concat(), &printed);
    let wrong = (1..=expected.len()).find(|end| expected.get(..*end).is_some_and(|lines| !goes_on(lines)));
    Err(match wrong.and_then(|end| expected.get(end - 1)) {
        Some(line) => format!("it did not print the line: {line}"),
        None => "it printed more than the lines of the guide".to_owned(),
    })
}

fn fit(expected: &[&str], printed: &[&str]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((&ANY, rest)) => (0..=printed.len()).any(|skipped| fit(rest, printed.get(skipped..).unwrap_or_default())),
        Some((line, rest)) => printed.split_first().is_some_and(|(first, others)| is(line, first) && fit(rest, others)),
    }
}

/// Whether `line` is `expected`, in which `…` stands for any text.
fn is(expected: &str, line: &str) -> bool {
    match expected.split_once(ANY) {
        None => expected == line,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            let mut ends = rest.char_indices().map(|(place, _)| place).chain([rest.len()]);
            ends.any(|place| rest.get(place..).is_some_and(|rest| is(after, rest)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_printed_is_compared_line_by_line() {
        let check = |expected: &str, printed: &str, wrong: Option<&str>| {
            let result = compare(expected, printed);
            match wrong {
                None => assert_eq!(result, Ok(()), "{expected:?} {printed:?}"),
                Some(line) => assert!(result.is_err_and(|error| error.ends_with(line)), "{expected:?} {printed:?}"),
            }
        };
        check("one\ntwo\n", "one\ntwo\n", None);
        check("one  \n", "one\n", None);
        check("{\"id\":\"…\",\"n\":1}", "{\"id\":\"a-1\",\"n\":1}", None);
        check("{\"id\":\"…\",\"n\":1}", "{\"id\":\"a-1\",\"n\":2}", Some("\"n\":1}"));
        check("one\n…\nfour\n", "one\ntwo\nthree\nfour\n", None);
        check("one\n…\n", "one\n", None);
        check("one\ntwo\n", "one\nthree\n", Some("two"));
        check("one\n", "one\ntwo\n", Some("than the lines of the guide"));
        check("one\ntwo\n", "one\n", Some("two"));
    }
}
