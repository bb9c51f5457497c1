//! The spans of deliveries, described as OpenTelemetry describes messages.

use super::delivery::Delivery;
use super::handlers::Pair;
use crate::contract::Function;
use crate::observe::traces::{Span, Tracer};

/// Begins the span of an attempt to deliver to `pair` by the handler `function`.
pub(super) fn begin_delivery(tracer: &Tracer, pair: &Pair, delivery: &Delivery, function: &Function) -> Span {
    let mut span = tracer.delivery(delivery.id.seq.0);
    span.describe(|details| {
        let destination = format!("{}/{}", function.interface, function.name.wit);
        details.rename(format!("deliver {destination}"));
        details.text("messaging.system", "switchyard");
        details.text("messaging.operation.type", "process");
        details.text("messaging.operation.name", "deliver");
        details.text("messaging.destination.name", destination);
        details.text("messaging.message.id", delivery.id.to_string());
        details.text("switchyard.service", pair.subscriber.to_string());
        details.text("switchyard.emitter", pair.emitter.to_string());
        details.number("switchyard.attempt", u64::from(delivery.attempts()) + 1);
    });
    span
}
