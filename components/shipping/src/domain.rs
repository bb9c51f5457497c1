//! The cost of sending a parcel, and its state. Everything here is pure: ids, time and random bytes are arguments.

#![forbid(unsafe_code)]

pub(crate) mod destination;
pub(crate) mod shipment;
pub(crate) mod tariff;
