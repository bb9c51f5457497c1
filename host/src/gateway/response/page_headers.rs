//! Headers by which a browser guards the pages of this host and those who visit them.

use hyper::HeaderMap;
use hyper::header::{
    CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};

use crate::config::GatewaySettings;

/// No other site learns more than the name of this one: an address of the shop may hold the id of a cart.
const REFERRER: HeaderValue = HeaderValue::from_static("strict-origin-when-cross-origin");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// A year without plain HTTP (RFC 6797, section 6.1).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The headers that the settings make of it.
#[derive(Debug)]
pub(in crate::gateway) struct PageHeaders {
    policy: Option<HeaderValue>,
    /// Only an answer that came through TLS may say that there is nothing else.
    tls: bool,
}

impl PageHeaders {
    /// A policy that is no header value is none; the configuration refuses it.
    pub(in crate::gateway) fn new(settings: &GatewaySettings) -> Self {
        let policy = Some(&settings.content_security_policy).filter(|policy| !policy.is_empty());
        let policy = policy.and_then(|policy| HeaderValue::from_str(policy).ok());
        Self { policy, tls: settings.tls_certificate.is_some() }
    }

    /// What every answer has. A mounted service may say otherwise of the referrer.
    pub(in crate::gateway) fn answer(&self, headers: &mut HeaderMap) {
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        headers.entry(REFERRER_POLICY).or_insert(REFERRER);
        if self.tls {
            headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(HSTS);
        }
    }

    /// What an asset has.
    pub(in crate::gateway) fn asset(&self, headers: &mut HeaderMap) {
        if let Some(policy) = &self.policy {
            headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
        }
    }
}
