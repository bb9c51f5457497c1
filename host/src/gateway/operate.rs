//! Runs an operation: identifies the caller, decodes the arguments, calls, and answers.

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, VARY};
use hyper::{HeaderMap, Response, StatusCode};
use matchit::Params;
use wasmtime::component::Val;

use super::access_log::Reused;
use super::callee::Callee;
use super::frontend::Gateway;
use super::handle::RequestContext;
use crate::call::{Answer, AnswerBody, CachedAnswer, Reply, RequestKey, RequestScope, RootCall};
use crate::gateway::operations::operation::Operation;
use crate::gateway::request::accept::accepts_json;
use crate::gateway::request::body::RequestBody;
use crate::gateway::request::head::Head;
use crate::gateway::request::percent_encoding::canonical_path;
use crate::gateway::request::rate_limit::Rates;
use crate::gateway::response::body::Body;
use crate::gateway::response::problem::Problem;
use crate::gateway::response::refusal::Refusal;
use crate::gateway::response::{compress, entity_tag};
use crate::names::Identity;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Marks a repeated answer to the same request.
const IDEMPOTENT_REPLAY: HeaderName = HeaderName::from_static("idempotent-replay");
const TRUE: HeaderValue = HeaderValue::from_static("true");
/// An answer of a call that may write is true only once, and may be private.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const VARY_AUTHORIZATION: HeaderValue = HeaderValue::from_static("authorization");

impl<C: Callee> Gateway<C> {
    /// The rate that bounds calls of this operation, besides that of all requests.
    fn rates_of(&self, operation: &Operation) -> Option<&Rates> {
        let function = &operation.function;
        let own = self.function_rates.get(operation.service.as_str()).and_then(|rates| rates.get(&*function.name.wit));
        own.or_else(|| function.calls_in_flight_max.map(|_| &self.costly_rate))
    }

    /// Checks the request, the caller first and the body last; then calls and answers.
    pub(super) async fn operate(
        &self,
        operation: &Operation,
        captured: &Params<'_, '_>,
        context: &RequestContext<'_>,
        body: &mut RequestBody,
    ) -> Result<Response<Body>, Refusal> {
        let head = context.head;
        let identity = self.identify(context).await?;
        operation.admit(identity.as_ref())?;
        if let Some(rates) = self.rates_of(operation) {
            rates.take(context.client.key).map_err(|retry_after_s| Refusal::Rate { retry_after_s })?;
        }
        if operation.answer.is_some() && !accepts_json(head.accept.as_deref()) {
            return Err(Refusal::NotAcceptable);
        }
        let key = match operation.writes() {
            true => head.idempotency_key().map_err(|fault| Refusal::Faults(vec![fault]))?,
            false => None,
        };
        let arguments = operation.address(captured, context.parts.uri.query())?;
        let body = take_body(operation, head, body).await?;
        let arguments = operation.complete(arguments, &body)?;
        let key = match key {
            Some(key) => {
                let path = canonical_path(context.path).map_err(|_| Refusal::NoRoute)?;
                Some(RequestKey::new(scope(identity.as_ref(), context, &path), key, &arguments))
            }
            None => None,
        };
        let root = RootCall {
            service: operation.service.clone(),
            function: operation.function.clone(),
            arguments,
            identity,
            request: context.id.clone(),
            key,
            span: context.span.clone(),
            takes_body: true,
        };
        let Reply { answer, replayed, cached, reused } =
            self.calls.call(root, context.routing, context.origin()).await?;
        let mut response = match answer {
            Answer::Ok(value) => {
                let answered = Answered::of(operation, value.as_ref(), cached.as_deref())?;
                self.success(operation, answered, &context.parts.headers, head).await
            }
            Answer::Err(error) if replayed => {
                Problem::from(operation.refusal(error.as_ref())).into_response(context.id)
            }
            Answer::Err(error) => return Err(operation.refusal(error.as_ref())),
        };
        if replayed {
            response.headers_mut().insert(IDEMPOTENT_REPLAY, TRUE);
        }
        if reused && self.access_log {
            response.extensions_mut().insert(Reused);
        }
        Ok(response)
    }

    /// Identifies the caller. An invalid token is refused even if none is needed, because its sender relies on it.
    pub(super) async fn identify(&self, context: &RequestContext<'_>) -> Result<Option<Identity>, Refusal> {
        let Some(token) = context.head.token()? else { return Ok(None) };
        self.calls
            .authenticate(token, context.id, context.routing, context.origin(), context.span)
            .await?
            .map(Some)
            .ok_or(Refusal::BadToken)
    }

    async fn success(
        &self,
        operation: &Operation,
        answered: Answered,
        request: &HeaderMap,
        head: &Head<'_>,
    ) -> Response<Body> {
        let Answered { json, etag, is_shared } = answered;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = operation.success;
        let headers = response.headers_mut();
        headers.reserve(8);
        let cache_control = if etag.is_some() { operation.cache_control.clone() } else { NO_STORE };
        headers.insert(CACHE_CONTROL, cache_control);
        if operation.is_fresh_for_a_while {
            // Nobody asks the host again before the answer goes to another caller, for whom it may be another one.
            headers.append(VARY, VARY_AUTHORIZATION);
        }
        if let Some(known) = etag.as_ref().and_then(|etag| entity_tag::known(etag, request)) {
            compress::vary(json.len(), self.compress_bytes_min, headers);
            headers.insert(ETAG, known);
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        if operation.answer.is_some() {
            headers.insert(CONTENT_TYPE, JSON);
            let accept_encoding = head.accept_encoding.as_deref();
            let sent = compress::answer(json, accept_encoding, self.compress_bytes_min, headers).await;
            if let Some(etag) = etag.map(|etag| entity_tag::header(&etag, headers)) {
                headers.insert(ETAG, etag);
            }
            let is_shared = is_shared && !headers.contains_key(CONTENT_ENCODING);
            *response.body_mut() = if is_shared { Body::shared(sent) } else { Body::from(sent) };
        }
        response
    }
}

/// A success as JSON.
struct Answered {
    json: Bytes,
    /// Of an answer to `GET`.
    etag: Option<Bytes>,
    /// Whether a cache has its bytes too.
    is_shared: bool,
}

impl Answered {
    /// Encodes `value`, unless `cached` has the body of the same answer already.
    fn of(operation: &Operation, value: Option<&Val>, cached: Option<&CachedAnswer>) -> Result<Self, Refusal> {
        if let Some(AnswerBody { json, etag }) = cached.and_then(CachedAnswer::body).cloned() {
            return Ok(Self { json, etag: Some(etag), is_shared: true });
        }
        let json = Bytes::from(operation.encode(value)?);
        let etag = (!operation.writes() && operation.answer.is_some()).then(|| entity_tag::of(&json));
        if let (Some(cached), Some(etag)) = (cached, etag.clone()) {
            cached.set_body(&AnswerBody { json: json.clone(), etag });
        }
        Ok(Self { json, etag, is_shared: false })
    }
}

/// The scope of a request's `Idempotency-Key`: the operation and its parameters at `path`, independent of the
/// percent-encoding.
fn scope<'a>(identity: Option<&'a Identity>, context: &'a RequestContext<'_>, path: &'a str) -> RequestScope<'a> {
    RequestScope {
        caller: identity.map_or("", |identity| &identity.id),
        client: context.client.key.bytes(),
        path_has_secret: path.split('/').any(is_secret),
        method: context.parts.method.as_str(),
        path,
    }
}

/// Whether `segment` is hard to guess: it has the form of a UUID, or 22 letters and digits in a row, which is enough
/// for 128 bits. A false match does no harm if the keys themselves are hard to guess, as they should be.
fn is_secret(segment: &str) -> bool {
    let is_uuid = segment.len() == 36
        && segment.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    is_uuid
        || segment.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|run| {
            let digits = run.bytes().filter(u8::is_ascii_digit).count();
            run.len() >= 22 && digits >= 3 && run.len() - digits >= 3
        })
}

/// Reads the body that the operation needs; empty if it needs none.
async fn take_body(operation: &Operation, head: &Head<'_>, body: &mut RequestBody) -> Result<Bytes, Refusal> {
    if body.is_absent() {
        return Ok(Bytes::new());
    }
    if !operation.takes_body() {
        return match body.is_empty().await? {
            true => Ok(Bytes::new()),
            false => Err(Refusal::Malformed { what: "This operation takes no body." }),
        };
    }
    if !head.brings_json() {
        return Err(Refusal::MediaType);
    }
    if head.encoded {
        return Err(Refusal::ContentEncoding);
    }
    body.read().await
}
