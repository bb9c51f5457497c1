//! The shop through its REST API, on the real host with the real components: one file per theme.
//!
//! In tables of errors, the status is followed by the faults, in the form of `Answer::told`.

#![expect(clippy::indexing_slicing, reason = "a test fails where something is missing, in its helpers too")]

mod accounts;
mod after_handover;
mod at_once;
mod carts;
mod checkout;
mod cluster;
mod crash;
mod events;
mod gateway;
mod handover;
mod items;
mod orders;
mod payments;
mod purchase;
mod race;
mod rehearsal;
mod retries;
mod sessions;
mod shipping;
