//! What sending a parcel costs, and how far it has come. Everything here is pure: ids, time and random bytes are given.

#![forbid(unsafe_code)]

pub(crate) mod destination;
pub(crate) mod shipment;
pub(crate) mod tariff;
