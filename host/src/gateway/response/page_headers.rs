//! Headers with which a browser protects the pages of this host and their visitors.

use hyper::HeaderMap;
use hyper::header::{
    CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};

use crate::config::GatewaySettings;

/// Other sites learn only the origin of this one, because an address may contain the id of a cart.
const REFERRER: HeaderValue = HeaderValue::from_static("strict-origin-when-cross-origin");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// A year without plain HTTP (RFC 6797, section 6.1).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The security headers, as configured.
#[derive(Debug)]
pub(in crate::gateway) struct PageHeaders {
    policy: Option<HeaderValue>,
    /// Only an answer over TLS may demand TLS for the future.
    tls: bool,
}

impl PageHeaders {
    /// A policy that is no valid header value is left out; the configuration check refuses it.
    pub(in crate::gateway) fn new(settings: &GatewaySettings) -> Self {
        let policy = Some(&settings.content_security_policy).filter(|policy| !policy.is_empty());
        let policy = policy.and_then(|policy| HeaderValue::from_str(policy).ok());
        Self { policy, tls: settings.tls_certificate.is_some() }
    }

    /// Adds the headers of every answer. A mounted service may override the referrer policy.
    pub(in crate::gateway) fn answer(&self, headers: &mut HeaderMap) {
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        headers.entry(REFERRER_POLICY).or_insert(REFERRER);
        if self.tls {
            headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(HSTS);
        }
    }

    /// Adds the headers of an asset.
    pub(in crate::gateway) fn asset(&self, headers: &mut HeaderMap) {
        if let Some(policy) = &self.policy {
            headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
        }
    }
}
