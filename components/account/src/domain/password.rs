//! Passwords: their length, and their hashes with argon2id.
//!
//! Invariant: a hash contains the parameters that it was computed with, so that they can be raised while old accounts
//! stay valid.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use switchyard_sdk::Faults;

/// Minimum and maximum of characters in a password.
const PASSWORD_CHARS_MIN: usize = 8;
const PASSWORD_CHARS_MAX: usize = 256;

/// The cost of a guess: 19 MiB, 2 passes, 1 lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The maximum of memory in the parameters of a stored hash; a larger one is not our hash.
const MEMORY_KIB_MAX: u32 = 48 * 1024;

const HASH_BYTES: usize = 32;

/// Random bytes that make the hashes of equal passwords different.
pub(crate) const SALT_BYTES: usize = 16;

/// The salt of [`PasswordHash::of_nobody`].
const SALT_OF_NOBODY: [u8; SALT_BYTES] = *b"nobody's account";

/// A password that is acceptable for an account.
pub(crate) struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

impl Password {
    /// Refuses a password that is too short or too long, at `/password`.
    pub(crate) fn parse(text: String) -> Result<Self, Faults> {
        if (PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&text.chars().count()) {
            Ok(Self(text))
        } else {
            Err(Faults::at("/password", "must be 8 to 256 characters"))
        }
    }

    /// A password for a sign-in: a short one is only wrong, but a long one is refused before it costs time.
    pub(crate) fn parse_attempt(text: String) -> Result<Self, Faults> {
        if text.chars().count() <= PASSWORD_CHARS_MAX {
            Ok(Self(text))
        } else {
            Err(Faults::at("/password", "must be at most 256 characters"))
        }
    }
}

/// A hash in the PHC string format, such as `$argon2id$v=19$m=19456,t=2,p=1$…salt…$…hash…`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PasswordHash(String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

impl PasswordHash {
    /// The hash of a new password. It takes 19 MiB of memory and tens of milliseconds.
    pub(crate) fn of(password: &Password, salt: [u8; SALT_BYTES]) -> Self {
        let hash = argon2id(password, &salt, MEMORY_KIB, PASSES, LANES).expect("our own parameters are within bounds");
        let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
        Self(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}"))
    }

    /// A hash that matches no password. It is compared if there is no account, so that this takes the same time.
    pub(crate) fn of_nobody() -> Self {
        let (salt, hash) = (STANDARD_NO_PAD.encode(SALT_OF_NOBODY), STANDARD_NO_PAD.encode([0; HASH_BYTES]));
        Self(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}"))
    }

    /// A hash that another implementation made.
    pub(crate) fn parse(phc: String) -> Result<Self, Faults> {
        let hash = Self(phc);
        let is_hash = hash.parts().is_some_and(|parts| {
            let bounds = Params::new(parts.memory_kib, parts.passes, parts.lanes, Some(HASH_BYTES));
            bounds.is_ok() && parts.hash.len() == HASH_BYTES
        });
        if is_hash { Ok(hash) } else { Err(Faults::at("/passwordHash", "must be a hash by argon2id of up to 48 MiB")) }
    }

    /// The PHC string.
    pub(crate) fn as_phc(&self) -> &str {
        &self.0
    }

    /// Whether `password` has this hash. False for a text that is not one of our hashes.
    pub(crate) fn verify(&self, password: &Password) -> bool {
        self.compare(password).unwrap_or(false)
    }

    fn compare(&self, password: &Password) -> Option<bool> {
        let Parts { memory_kib, passes, lanes, salt, hash } = self.parts()?;
        let found = argon2id(password, &salt, memory_kib, passes, lanes)?;
        Some(found.ct_eq(&hash).into())
    }

    fn parts(&self) -> Option<Parts> {
        let mut parts = self.0.strip_prefix("$argon2id$v=19$")?.split('$');
        let (parameters, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let mut values = parameters
            .split(',')
            .zip(["m=", "t=", "p="])
            .map(|(part, name)| part.strip_prefix(name).and_then(|number| number.parse::<u32>().ok()));
        let (memory_kib, passes, lanes) = (values.next()??, values.next()??, values.next()??);
        if memory_kib > MEMORY_KIB_MAX || parts.next().is_some() {
            return None;
        }
        let salt = STANDARD_NO_PAD.decode(salt).ok()?;
        let hash = STANDARD_NO_PAD.decode(hash).ok()?;
        Some(Parts { memory_kib, passes, lanes, salt, hash })
    }
}

/// The parts of a hash.
struct Parts {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

fn argon2id(password: &Password, salt: &[u8], memory_kib: u32, passes: u32, lanes: u32) -> Option<[u8; HASH_BYTES]> {
    #[cfg(test)]
    tests::HASHES.set(tests::HASHES.get() + 1);
    let parameters = Params::new(memory_kib, passes, lanes, Some(HASH_BYTES)).ok()?;
    let mut hash = [0; HASH_BYTES];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_into(password.0.as_bytes(), salt, &mut hash)
        .ok()?;
    Some(hash)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// The number of hashes that this thread has computed.
        pub(crate) static HASHES: Cell<u32> = const { Cell::new(0) };
    }

    fn password(text: &str) -> Password {
        Password(text.to_owned())
    }

    #[test]
    fn a_new_password_has_8_to_256_characters() {
        for (chars, chosen, attempted) in [(7, false, true), (8, true, true), (256, true, true), (257, false, false)] {
            // Characters are counted, not bytes.
            let text = "ä".repeat(chars);
            assert_eq!(Password::parse(text.clone()).is_ok(), chosen, "{chars}");
            assert_eq!(Password::parse_attempt(text).is_ok(), attempted, "{chars}");
        }
    }

    #[test]
    fn a_hash_is_that_of_its_password_alone() {
        let hash = PasswordHash::of(&password("correct horse"), [7; SALT_BYTES]);
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
        assert!(hash.verify(&password("correct horse")));
        assert!(!hash.verify(&password("correct hors")));
        assert_ne!(hash, PasswordHash::of(&password("correct horse"), [8; SALT_BYTES]));
        assert!(!PasswordHash::of_nobody().verify(&password("correct horse")));
    }

    #[test]
    fn hashes_of_the_reference_implementation_verify() {
        // From the test vectors of the argon2 command line tool (phc-winner-argon2, src/test.c): version 19, Argon2id.
        let hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert!(PasswordHash(hash.to_owned()).verify(&password("password")));
        assert!(!PasswordHash(hash.to_owned()).verify(&password("passwore")));
    }

    #[test]
    fn a_text_that_is_no_hash_of_ours_is_nobodys() {
        let whole = PasswordHash::of_nobody().0;
        let parts = [
            "",
            "$",
            "$argon2id$v=19$",
            "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$AAAA",
            "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$AAAA",
            "$argon2id$v=19$m=0,t=0,p=0$c29tZXNhbHQ$AAAA",
            "$argon2id$v=19$m=256,t=2$c29tZXNhbHQ$AAAA",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$AAAA",
            "$argon2id$v=19$m=256,t=2,p=1$!$AAAA",
            &format!("{whole}$"),
        ];
        for text in parts {
            assert!(!PasswordHash(text.to_owned()).verify(&password("password")), "{text}");
        }
    }

    #[test]
    fn debug_tells_no_secret() {
        let hash = PasswordHash::of_nobody();
        assert_eq!(format!("{:?} {hash:?}", password("secret")), "Password PasswordHash");
    }
}
