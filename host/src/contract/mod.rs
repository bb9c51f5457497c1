//! The contract: what a WIT package says about how its functions are reached.

mod types;

pub use types::{
    Case, Enum, Field, Flags, Function, Interface, Method, Name, Reach, Record, Route, Type, Variant, World,
};
