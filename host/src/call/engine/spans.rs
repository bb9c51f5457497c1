//! The spans of calls, named as OpenTelemetry names those of remote procedure calls.

use super::answer::{Answer, CallError, outcome};
use crate::contract::Function;
use crate::names::ServiceName;
use crate::observe::traces::{ParentSpan, Span};

/// Begins the span of a call of `function` of `service` below `parent`.
pub(in crate::call) fn begin_call(parent: &ParentSpan, service: &ServiceName, function: &Function) -> Span {
    let mut span = parent.child("call");
    span.describe(|details| {
        let method = format!("{}/{}", function.interface, function.name.wit);
        details.rename(method.clone());
        details.text("rpc.system.name", "switchyard");
        details.text("rpc.method", method);
        details.text("switchyard.service", service.to_string());
    });
    span
}

/// Ends the span of a call of `service`.
pub(in crate::call) fn end_call(mut span: Span, service: &ServiceName, result: Result<&Answer, &CallError>) {
    span.describe(|details| details.end(outcome(service, result)));
}
