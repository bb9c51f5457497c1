//! A share of all callers, and whether it includes a given one.

use sha2::{Digest as _, Sha256};

use crate::names::{Digest, ServiceName};

/// A share of all callers, exact to a hundredth of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    pub const NONE: Self = Self(0);
    pub const ALL: Self = Self(10_000);

    /// The share of `percent` percent; `None` for an invalid percentage.
    #[must_use]
    pub fn of_percent(percent: f64) -> Option<Self> {
        let parts = (percent * 100.0).round();
        if !(0.0..=10_000.0).contains(&parts) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10,000, and whole")]
        Some(Self(parts as u32))
    }

    /// A share in hundredths of a percent; more than all counts as all.
    #[must_use]
    pub fn of_parts(parts: u32) -> Self {
        Self(parts.min(Self::ALL.0))
    }

    /// In hundredths of a percent.
    #[must_use]
    pub fn parts(self) -> u32 {
        self.0
    }

    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    /// Whether the caller `key` is in the share of the component `what` of `service`. Two candidates share callers only
    /// by chance, even if one component runs for two services.
    #[must_use]
    pub fn takes(self, service: &ServiceName, what: &Digest, key: &[u8]) -> bool {
        if self == Self::ALL {
            return true;
        }
        let mut hash = Sha256::new();
        hash.update(service.as_str());
        hash.update(what.bytes());
        hash.update(key);
        let hash = hash.finalize();
        let drawn = hash.iter().take(8).fold(0_u64, |drawn, byte| drawn << 8 | u64::from(*byte));
        drawn % u64::from(Self::ALL.0) < u64::from(self.0)
    }
}

#[cfg(test)]
mod tests;
