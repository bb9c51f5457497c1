//! E-mail addresses: the accepted form, compared without case.

use serde::{Deserialize, Serialize};
use switchyard_sdk::Faults;

/// The longest address, in characters, that SMTP transports (RFC 5321, erratum 1690).
const EMAIL_CHARS_MAX: usize = 254;

/// Longest part before the `@`.
const LOCAL_CHARS_MAX: usize = 64;

/// Longest part of the domain between dots.
const LABEL_CHARS_MAX: usize = 63;

/// An address as its owner wrote it, in ASCII: a domain with other letters is in its `xn--` form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Email(String);

impl Email {
    /// Refuses, at `/email`, an address to which no mail could be sent. The quoted and literal forms of RFC 5321 are
    /// refused too.
    pub(crate) fn parse(text: String) -> Result<Self, Faults> {
        if is_address(&text) { Ok(Self(text)) } else { Err(Faults::at("/email", "must be an e-mail address")) }
    }

    pub(crate) fn as_written(&self) -> &str {
        &self.0
    }

    /// A form that is equal for addresses that differ only in case.
    pub(crate) fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    text.len() <= EMAIL_CHARS_MAX
        && local.len() <= LOCAL_CHARS_MAX
        && local.split('.').all(is_atom)
        && domain.contains('.')
        && domain.split('.').all(is_label)
}

fn is_atom(atom: &str) -> bool {
    !atom.is_empty() && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte))
}

fn is_label(label: &str) -> bool {
    (1..=LABEL_CHARS_MAX).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_at_a_plain_local_part_and_a_domain_with_a_dot() {
        let long_local = format!("{}@example.com", "a".repeat(LOCAL_CHARS_MAX));
        let long_label = format!("a@{}.com", "b".repeat(LABEL_CHARS_MAX));
        for text in ["a@b.c", "Anna.Lee+shop@Example.COM", "o'hara@x-y.example", "1@2.3", &long_local, &long_label] {
            assert!(Email::parse(text.to_owned()).is_ok(), "{text}");
        }
        let longer_local = format!("{}@example.com", "a".repeat(LOCAL_CHARS_MAX + 1));
        let longer_label = format!("a@{}.com", "b".repeat(LABEL_CHARS_MAX + 1));
        let longer = format!("a@{}.com", vec!["b".repeat(50); 5].join("."));
        let refused = [
            "",
            "@",
            "a",
            "a@b",
            "@b.c",
            "a@",
            "a@.c",
            "a@b.",
            "a@b..c",
            ".a@b.c",
            "a.@b.c",
            "a..a@b.c",
            "a@b@c.d",
            "a b@c.d",
            " a@b.c",
            "a@b.c ",
            "a@-b.c",
            "a@b-.c",
            "ä@b.c",
            "a@ä.c",
            "\"a\"@b.c",
            "a@[1.2.3.4]",
            "a@b.c\n",
            "<a@b.c>",
            &longer_local,
            &longer_label,
            &longer,
        ];
        for text in refused {
            assert!(Email::parse(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_compare_without_case_and_are_shown_as_written() {
        let email = Email::parse("Anna@Example.COM".to_owned()).expect("an address");
        assert_eq!(email.as_written(), "Anna@Example.COM");
        assert_eq!(email.folded(), "anna@example.com");
    }
}
