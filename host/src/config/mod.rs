//! Configuration: `switchyard.toml`, the environment (`SWITCHYARD_…`) and flags become one checked value.

mod settings;

pub use settings::*;
