//! A span that has ended: what ran, when, and what is said about it.

use std::borrow::Cow;
use std::time::Duration;

use super::ids::SpanContext;
use crate::observe::calls::Outcome;

/// The role of a span, in OpenTelemetry's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    Internal,
    Server,
    Consumer,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AttributeValue {
    Text(Cow<'static, str>),
    Number(i64),
}

/// A span that has ended.
#[derive(Debug)]
pub(super) struct EndedSpan {
    pub(super) context: SpanContext,
    pub(super) parent: Option<SpanContext>,
    pub(super) began_unix_micros: u64,
    pub(super) took: Duration,
    pub(super) details: SpanDetails,
}

/// The description of a span.
#[derive(Debug)]
pub struct SpanDetails {
    pub(super) name: Cow<'static, str>,
    pub(super) kind: SpanKind,
    pub(super) attributes: Vec<(&'static str, AttributeValue)>,
    pub(super) link: Option<SpanContext>,
    pub(super) is_error: bool,
}

impl SpanDetails {
    pub fn rename(&mut self, name: impl Into<Cow<'static, str>>) {
        self.name = name.into();
    }

    /// Adds an attribute. It must be nothing that a client may want to keep secret.
    pub fn text(&mut self, key: &'static str, value: impl Into<Cow<'static, str>>) {
        self.attributes.push((key, AttributeValue::Text(value.into())));
    }

    pub fn number(&mut self, key: &'static str, value: u64) {
        self.attributes.push((key, AttributeValue::Number(i64::try_from(value).unwrap_or(i64::MAX))));
    }

    /// Adds how a call ended.
    pub fn end(&mut self, outcome: Outcome) {
        self.text("switchyard.outcome", outcome.label());
        if outcome.is_error() {
            self.fail(outcome.label());
        }
    }

    /// Marks it as failed; `why` is one of few words, which `error.type` has.
    pub fn fail(&mut self, why: impl Into<Cow<'static, str>>) {
        self.is_error = true;
        self.text("error.type", why);
    }
}
