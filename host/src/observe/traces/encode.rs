//! Spans as the messages of OTLP.

use bytes::Bytes;
use prost::Message as _;

use super::ended_span::{AttributeValue, EndedSpan, SpanKind};
use super::ids::SpanContext;
use super::messages::{
    AnyValue, ExportTraceServiceRequest, InstrumentationScope, KeyValue, Link, Resource, ResourceSpans, ScopeSpans,
    Span, SpanKind as Kind, Status, StatusCode, Value,
};
use crate::observe::build::VERSION;

/// The name of the program and of its instrumentation.
const NAME: &str = "switchyard";

/// The flag of a sampled trace (W3C Trace Context, section 3.2.2.5.1).
const SAMPLED: u32 = 1;

/// The body of an export of `spans` by the service `service_name`.
pub(super) fn request(service_name: &str, spans: &[EndedSpan]) -> Bytes {
    let scope = InstrumentationScope { name: NAME.into(), version: VERSION.into() };
    let spans = spans.iter().map(span).collect();
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans }];
    let attributes = vec![attribute("service.name", service_name), attribute("service.version", VERSION)];
    let resource = Some(Resource { attributes });
    let resource_spans = vec![ResourceSpans { resource, scope_spans }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
}

fn span(ended: &EndedSpan) -> Span {
    let EndedSpan { context, parent, began_unix_micros, took, details } = ended;
    let began = began_unix_micros.saturating_mul(1_000);
    let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
    let status = details.is_error.then(|| Status { code: StatusCode::Error.into() });
    let attributes = details.attributes.iter().map(|(key, value)| {
        key_value(
            key,
            match value {
                AttributeValue::Text(text) => Value::StringValue(text.clone().into_owned()),
                AttributeValue::Number(number) => Value::IntValue(*number),
            },
        )
    });
    Span {
        trace_id: context.trace_bytes().into(),
        span_id: context.span_bytes().into(),
        parent_span_id: parent.map(|parent| parent.span_bytes().into()).unwrap_or_default(),
        flags: SAMPLED,
        name: details.name.clone().into_owned(),
        kind: kind(details.kind).into(),
        start_time_unix_nano: began,
        end_time_unix_nano: began.saturating_add(took),
        attributes: attributes.collect(),
        links: details.link.map(link).into_iter().collect(),
        status,
    }
}

fn kind(kind: SpanKind) -> Kind {
    match kind {
        SpanKind::Internal => Kind::Internal,
        SpanKind::Server => Kind::Server,
        SpanKind::Consumer => Kind::Consumer,
    }
}

fn link(to: SpanContext) -> Link {
    let (trace_id, span_id) = (to.trace_bytes().into(), to.span_bytes().into());
    Link { trace_id, span_id, flags: SAMPLED }
}

fn attribute(key: &str, value: &str) -> KeyValue {
    key_value(key, Value::StringValue(value.into()))
}

fn key_value(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }) }
}
