//! The components that the operator deploys: one guest, with a different text in its data for each.

use anyhow::Context as _;

/// The beginning of the text in the guest's file, and its length: see `host/tests/callers/src/variant.rs`.
const MARK: &[u8] = b"<variant>    ";
const TEXT_BYTES: usize = 265;

/// The number of variants for each version of the data.
const SAME_DATA: usize = 2;

/// The highest version of the data. Each migrates from all versions before it.
pub(crate) const VERSION_MAX: usize = 3;

/// The version of the data that the variant `number` writes.
pub(crate) fn version_of(number: usize) -> u64 {
    u64::try_from(number / SAME_DATA).unwrap_or(u64::MAX)
}

/// All variants, created from the guest's file.
pub(crate) fn all(guest: &[u8]) -> anyhow::Result<Vec<Vec<u8>>> {
    let place = guest.windows(MARK.len()).position(|window| window == MARK).context("a guest with a variant")?;
    let variant = |number: usize| {
        let version = version_of(number);
        let text = format!("call=say {number}|version={version}|reads=99|pause=3000|migrate=set form {version}");
        let text = format!("{text:TEXT_BYTES$}");
        let mut bytes = guest.to_vec();
        let target = bytes.get_mut(place..place + TEXT_BYTES).context("a guest that is long enough")?;
        target.copy_from_slice(text.as_bytes());
        Ok(bytes)
    };
    (0..SAME_DATA * (VERSION_MAX + 1)).map(variant).collect()
}
