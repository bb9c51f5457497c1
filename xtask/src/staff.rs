//! The demo shop's staff account: credentials that are created once, in a file that only their owner can read.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

const EMAIL: &str = "staff@shop.example";

/// The name of the file in the data directory.
pub(crate) const FILE: &str = "staff-credentials";

pub(crate) struct Credentials {
    pub(crate) email: String,
    pub(crate) password: String,
    /// Whether they were created just now.
    pub(crate) new: bool,
}

impl Credentials {
    /// The credentials stored in `data`, or new ones, which are stored before they are used.
    pub(crate) fn kept_or_new(data: &Path) -> anyhow::Result<Self> {
        let path = data.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).with_context(|| format!("no credentials in {}", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let made = Self { email: EMAIL.into(), password: password()?, new: true };
                made.keep(&path).with_context(|| format!("cannot keep {}", path.display()))?;
                Ok(made)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let document: Value = serde_json::from_str(text)?;
        let member =
            |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned).context("a member lacks");
        Ok(Self { email: member("email")?, password: member("password")?, new: false })
    }

    fn keep(&self, path: &Path) -> anyhow::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        writeln!(file, "{}", json!({"email": self.email, "password": self.password}))?;
        Ok(file.sync_all()?)
    }
}

/// A password of 128 random bits.
fn password() -> anyhow::Result<String> {
    random_hex(16)
}

/// So many random bytes, in hex.
pub(crate) fn random_hex(bytes: usize) -> anyhow::Result<String> {
    let mut bits = vec![0; bytes];
    std::fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bits)).context("no randomness")?;
    Ok(bits.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn credentials_are_made_once_and_are_their_owners_alone() {
        let data = crate::step::target().join(format!("staff-credentials-{}", std::process::id()));
        std::fs::create_dir_all(&data).expect("a folder");
        let made = Credentials::kept_or_new(&data).expect("new credentials");
        let kept = Credentials::kept_or_new(&data).expect("the same again");
        assert_eq!((made.new, kept.new), (true, false));
        assert_eq!((&made.email, &made.password), (&kept.email, &kept.password));
        let mode = std::fs::metadata(data.join(FILE)).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_dir_all(&data).expect("the folder can go");
    }
}
