//! Commands that judge, sign and change releases, and show the history.

pub(super) mod apply;
pub(super) mod change;
pub(super) mod check;
pub(super) mod component;
mod contracts;
pub(super) mod deploy;
pub(super) mod handover;
pub(super) mod history;
pub(super) mod secret_key;
pub(super) mod sign;
pub(super) mod trial;
pub(super) mod wit;
