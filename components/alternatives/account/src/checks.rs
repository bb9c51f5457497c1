//! The rules about e-mail addresses, passwords, postal addresses and cards.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq as _;
use switchyard_sdk::{Country, Faults, Timestamp, id};

use crate::people::{Address, Card};

pub(crate) const NAME_CHARS_MAX: usize = 200;
const PASSWORD_CHARS_MIN: usize = 8;
const PASSWORD_CHARS_MAX: usize = 256;
const EMAIL_CHARS_MAX: usize = 254;

/// Memory in KiB, passes and lanes of new hashes, and the maximum memory of a hash that is verified.
const COSTS: [u32; 3] = [19 * 1024, 2, 1];
const MEMORY_KIB_MAX: u32 = 48 * 1024;
const HASH_BYTES: usize = 32;

/// A hash that no password has. Its verification takes as long as that of any other.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3MgYWNjb3VudA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Adds a fault unless `text` is an e-mail address.
pub(crate) fn email(faults: &mut Faults, text: &str) {
    let is_local = |local: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte);
        local.len() <= 64 && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(plain))
    };
    let is_label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && plain && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_address = text
        .split_once('@')
        .is_some_and(|(local, domain)| is_local(local) && domain.contains('.') && domain.split('.').all(is_label));
    faults.check(is_address && text.len() <= EMAIL_CHARS_MAX, "/email", "must be an e-mail address");
}

/// Adds a fault unless `text` can be a new password.
pub(crate) fn password(faults: &mut Faults, text: &str) {
    let fits = (PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&text.chars().count());
    faults.check(fits, "/password", "must be 8 to 256 characters");
}

/// Adds a fault if `text` is too long to be tried as a password.
pub(crate) fn attempt(faults: &mut Faults, text: &str) {
    faults.check(text.chars().count() <= PASSWORD_CHARS_MAX, "/password", "must be at most 256 characters");
}

/// The hash of a password with random salt, in the PHC string format.
pub(crate) fn hash(password: &str) -> String {
    let salt = id::random_bytes::<16>();
    let [memory_kib, passes, lanes] = COSTS;
    let hash = argon2id(password, &salt, COSTS).expect("our own costs are within the bounds");
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${hash}")
}

/// Whether `password` has this hash. If there is no hash, it takes as long and is false.
pub(crate) fn verify(phc: Option<&str>, password: &str) -> bool {
    let is_right = Hash::parse(phc.unwrap_or(NOBODYS)).is_some_and(|hash| {
        argon2id(password, &hash.salt, hash.costs).is_some_and(|found| found.ct_eq(&hash.hash).into())
    });
    is_right && phc.is_some()
}

/// Adds a fault unless `phc` is a hash that can be verified.
pub(crate) fn password_hash(faults: &mut Faults, phc: &str) {
    let fits = Hash::parse(phc).is_some_and(|hash| {
        let [memory_kib, passes, lanes] = hash.costs;
        hash.hash.len() == HASH_BYTES && Params::new(memory_kib, passes, lanes, Some(HASH_BYTES)).is_ok()
    });
    faults.check(fits, "/passwordHash", "must be a hash by argon2id of at most 48 MiB");
}

struct Hash {
    costs: [u32; 3],
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Hash {
    fn parse(phc: &str) -> Option<Self> {
        let parts: Vec<&str> = phc.strip_prefix("$argon2id$v=19$")?.split('$').collect();
        let [costs, salt, hash] = parts.as_slice() else { return None };
        let costs: Vec<&str> = costs.split(',').collect();
        let [memory_kib, passes, lanes] = costs.as_slice() else { return None };
        let number = |text: &str, name: &str| text.strip_prefix(name)?.parse::<u32>().ok();
        let costs = [number(memory_kib, "m=")?, number(passes, "t=")?, number(lanes, "p=")?];
        let [memory_kib, ..] = costs;
        let (salt, hash) = (STANDARD_NO_PAD.decode(salt).ok()?, STANDARD_NO_PAD.decode(hash).ok()?);
        (memory_kib <= MEMORY_KIB_MAX).then_some(Self { costs, salt, hash })
    }
}

fn argon2id(password: &str, salt: &[u8], [memory_kib, passes, lanes]: [u32; 3]) -> Option<[u8; HASH_BYTES]> {
    let mut hash = [0; HASH_BYTES];
    let parameters = Params::new(memory_kib, passes, lanes, Some(HASH_BYTES)).ok()?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    argon2.hash_password_into(password.as_bytes(), salt, &mut hash).ok()?;
    Some(hash)
}

/// What is wrong with an address, except for its id.
pub(crate) fn address(address: &Address) -> Faults {
    let mut faults = Faults::new();
    faults.line("/recipient", &address.recipient, 1..=200);
    faults.line("/line1", &address.line1, 1..=200);
    faults.line("/line2", address.line2.as_deref().unwrap_or_default(), 0..=200);
    faults.line("/city", &address.city, 1..=200);
    faults.line("/region", address.region.as_deref().unwrap_or_default(), 0..=200);
    faults.line("/postalCode", &address.postal_code, 1..=16);
    let country: Result<Country, _> = address.country.parse();
    let _country = faults.take(country.map_err(|unknown| Faults::at("/country", unknown.to_string())));
    faults
}

/// What is wrong with a card that is added now, except for its id.
pub(crate) fn card(card: &Card, now: Timestamp) -> Faults {
    let mut faults = Faults::new();
    let visible = (1..=256).contains(&card.token.len()) && card.token.bytes().all(|byte| byte.is_ascii_graphic());
    let no_number = "looks like a card number: send the token that the payment processor gave for the card";
    match has_card_number(&card.token) {
        true => faults.add("/token", no_number),
        false => faults.check(visible, "/token", "must be 1 to 256 visible ASCII characters"),
    }
    faults.line("/brand", &card.brand, 1..=40);
    faults.check(!has_card_number(&card.brand), "/brand", "looks like a card number");
    let four_digits = card.last4.len() == 4 && card.last4.bytes().all(|byte| byte.is_ascii_digit());
    faults.check(four_digits, "/last4", "must be four digits");
    let is_month = (1..=12).contains(&card.expiry_month);
    faults.check(is_month, "/expiryMonth", "must be 1 to 12");
    let (year, month) = now.year_month();
    let expiry = (u64::from(card.expiry_year), u64::from(card.expiry_month));
    let has_expired = expiry.0 < year || is_month && expiry < (year, month);
    faults.check(!has_expired, "/expiryYear", "the card has expired");
    faults
}

/// Whether 13 to 19 digits in a row, separators aside, could be the number of a card by their check digit.
fn has_card_number(text: &str) -> bool {
    let runs = text.split(char::is_alphabetic);
    runs.into_iter().any(|run| {
        let digits: Vec<u32> = run.chars().filter_map(|letter| letter.to_digit(10)).collect();
        (13..=19).any(|length| digits.windows(length).any(is_card_number))
    })
}

fn is_card_number(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let weighed = digits.iter().rev().enumerate();
    let sum: u32 = weighed.map(|(place, digit)| if place % 2 == 0 { *digit } else { doubled(*digit) }).sum();
    sum.is_multiple_of(10) && digits.first().is_some_and(|first| (2..=6).contains(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_verified_by_its_password_alone() {
        let phc = hash("correct horse");
        assert!(verify(Some(&phc), "correct horse"));
        assert!(!verify(Some(&phc), "correct hors"));
        assert!(!verify(None, "correct horse"));
        let of_the_reference = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert!(verify(Some(of_the_reference), "password"));
    }

    #[test]
    fn card_numbers_are_found() {
        for (text, found) in [
            ("4111111111111111", true),
            ("4111 1111-1111 1111", true),
            ("tok_4111111111111111x", true),
            ("4111111111111112", false),
            ("tok_ok", false),
        ] {
            assert_eq!(has_card_number(text), found, "{text}");
        }
    }
}
