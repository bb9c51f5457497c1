//! The functions of the other services. Tests use their own.

#[cfg(not(test))]
pub(crate) use crate::bindings::shop::{
    account::account::get_checkout_details,
    events::order_events::{order_cancelled, order_placed},
    inventory::inventory::{confirm, price_items, release, reserve},
    payment::payment::{charge, refund_all, void},
    shipping::shipping::{cancel, quote, schedule},
};
#[cfg(test)]
pub(crate) use crate::tests::services::*;
