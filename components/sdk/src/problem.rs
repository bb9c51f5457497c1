//! Problems, the errors of every contract in the shop: constructors, and a collection of the faults in a body.

use std::ops::RangeInclusive;

use crate::types::{Fault, Problem};

/// The faults of a request's body, by JSON pointer. The client gets all of them at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<(String, String)>);

impl Faults {
    /// No faults yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One fault: `pointer` is a JSON pointer (RFC 6901) into the body, such as `/price/amount`.
    #[must_use]
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let mut faults = Self::new();
        faults.add(pointer, detail);
        faults
    }

    /// Adds a fault.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push((pointer.into(), detail.into()));
    }

    /// Adds a fault, unless `holds`.
    pub fn check(&mut self, holds: bool, pointer: &str, detail: &str) {
        if !holds {
            self.add(pointer, detail);
        }
    }

    /// Checks that `text` is one line of `chars` characters. It must not be blank, unless `chars` begins at 0.
    pub fn line(&mut self, pointer: &str, text: &str, chars: RangeInclusive<usize>) {
        let (least, most) = (*chars.start(), *chars.end());
        let blank = least > 0 && text.trim().is_empty();
        if blank || !chars.contains(&text.chars().count()) {
            self.add(pointer, format!("must be {least} to {most} characters and not blank"));
        } else if text.chars().any(char::is_control) {
            self.add(pointer, "must be one line without control characters");
        }
    }

    /// The value; or `None`, and its faults are added.
    pub fn take<T>(&mut self, parsed: Result<T, Faults>) -> Option<T> {
        parsed.map_err(|faults| self.0.extend(faults.0)).ok()
    }

    /// `value` if there are no faults.
    ///
    /// # Errors
    ///
    /// The faults, if there are any.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// The value that was built from the results of [`Faults::take`], if there are no faults.
    ///
    /// # Errors
    ///
    /// The faults, if there are any; only then the value may be missing.
    pub fn complete<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self),
        }
    }

    /// Pointer and detail of each fault.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(pointer, detail)| (pointer.as_str(), detail.as_str()))
    }
}

impl From<Faults> for crate::types::Faults {
    fn from(faults: Faults) -> Self {
        let field = |(pointer, detail)| Fault { field: Some(pointer), parameter: None, detail };
        Self { detail: "the request breaks a rule".to_owned(), errors: faults.0.into_iter().map(field).collect() }
    }
}

impl From<Faults> for Problem {
    /// 422.
    fn from(faults: Faults) -> Self {
        Self::Invalid(faults.into())
    }
}

impl Problem {
    /// 422: one field of the body breaks a rule; `pointer` is a JSON pointer such as `/price/amount`.
    #[must_use]
    pub fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        Faults::at(pointer, detail).into()
    }

    /// 422: the request as a whole breaks a rule, and no single field is wrong.
    #[must_use]
    pub fn invalid_request(detail: impl Into<String>) -> Self {
        Self::Invalid(crate::types::Faults { detail: detail.into(), errors: Vec::new() })
    }

    /// 400: the path or query parameter `name` (as it is in the contract) is malformed.
    #[must_use]
    pub fn malformed_parameter(name: &str, detail: impl Into<String>) -> Self {
        Self::Malformed(of_parameter(name, detail.into()))
    }

    /// 422: the path or query parameter `name` (as it is in the contract) breaks a rule.
    #[must_use]
    pub fn invalid_parameter(name: &str, detail: impl Into<String>) -> Self {
        Self::Invalid(of_parameter(name, detail.into()))
    }

    /// 401: nobody is signed in, and the thing has an owner.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::Unauthenticated("sign in first".to_owned())
    }

    /// 402, and the writes of the call are kept: the payment was declined, for the reason `decline_code`.
    #[must_use]
    pub fn declined(detail: impl Into<String>, decline_code: impl Into<String>) -> Self {
        Self::Declined(crate::types::Decline { detail: detail.into(), decline_code: decline_code.into() })
    }

    /// 403: the caller lacks the permission.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::Forbidden(detail.into())
    }

    /// 404: the thing does not exist, or does not belong to the caller.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::NotFound(detail.into())
    }

    /// 409: the state of the thing forbids it.
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::Conflict(detail.into())
    }

    /// 503, and nothing was done: a required service is not available now.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::Unavailable(detail.into())
    }

    /// 503, and the writes of the call are kept: an outside processor could not be reached.
    #[must_use]
    pub fn unreachable(detail: impl Into<String>) -> Self {
        Self::Unreachable(detail.into())
    }
}

fn of_parameter(name: &str, detail: String) -> crate::types::Faults {
    let error = Fault { field: None, parameter: Some(name.to_owned()), detail: detail.clone() };
    crate::types::Faults { detail, errors: vec![error] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_together_and_in_order() {
        let mut faults = Faults::new();
        faults.check(true, "/a", "fine");
        faults.check(false, "/b", "too long");
        assert_eq!(faults.take(Err::<(), _>(Faults::at("/c", "too short"))), None);
        assert_eq!(faults.take(Ok(3)), Some(3));
        assert_eq!(faults.clone().complete(Some(3)), Err(faults.clone()));
        let Err(faults) = faults.into_result(()) else { panic!("two faults") };
        assert_eq!(faults.iter().collect::<Vec<_>>(), [("/b", "too long"), ("/c", "too short")]);
        let Problem::Invalid(wire) = Problem::from(faults) else { panic!("a fault is invalid") };
        assert_eq!(wire.errors.len(), 2);
    }

    #[test]
    fn a_line_is_neither_blank_nor_long_nor_several() {
        let cases = [
            ("a", 1..=3, true),
            ("äöü", 1..=3, true),
            ("", 0..=3, true),
            ("", 1..=3, false),
            ("  ", 1..=3, false),
            ("abcd", 1..=3, false),
            ("a\nb", 1..=3, false),
            ("a\u{0}", 1..=3, false),
        ];
        for (text, chars, fine) in cases {
            let mut faults = Faults::new();
            faults.line("/name", text, chars);
            assert_eq!(faults.into_result(()).is_ok(), fine, "{text:?}");
        }
    }

    #[test]
    fn nothing_wrong_gives_the_value() {
        assert_eq!(Faults::new().into_result(5), Ok(5));
        assert_eq!(Faults::new().complete(Some(5)), Ok(5));
    }

    #[test]
    fn a_malformed_parameter_is_named() {
        let Problem::Malformed(faults) = Problem::malformed_parameter("limit", "1 to 100") else { panic!("malformed") };
        assert_eq!(faults.errors[0].parameter.as_deref(), Some("limit"));
        assert_eq!(faults.errors[0].field, None);
    }
}
