//! The shop through its REST API, on the real host with the real components.

mod purchase;
mod race;
