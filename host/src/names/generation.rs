//! The generation of a service's data. A store has room for two: that of the live release, and another one while the data
//! moves to another implementation.

use serde::{Deserialize, Serialize};

/// One of the two generations of data in a store. Each has keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Generation {
    #[default]
    First,
    Second,
}

impl Generation {
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}
