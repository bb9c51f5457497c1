//! Raw `wasi:http` components, of 0.2 and 0.3: components that other hosts can serve run here unmodified.
//!
//! Each request gets a fresh instance. The bodies of request and response are streams: a guest that does not read
//! delays its client, and a client that does not read delays the guest. The components have WASI as on other hosts,
//! with the clocks of the machine, but without files, sockets and a store.

mod body;
mod smoke;
mod state;

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Body;
use hyper::header::HOST;
use hyper::http::uri::{Authority, Scheme as HttpScheme};
use hyper::{Request, Response};
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::{Accessor, Linker};
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{FieldMap, WasiBody, WasiHttpView as _, p2, p3};

use self::body::Broken;
pub use self::body::{BodyError, HttpBody, Slot};
use self::state::State;
use crate::names::RequestId;
use crate::runtime::compile::{Code, Kind};
use crate::runtime::epoch::Ticker;
use crate::runtime::instance::{
    Ended, Failure, LinkError, LinkSettings, Service, Shortage, initial_memory_bytes, report,
};
use crate::tasks::Tasks;

/// A linked raw `wasi:http` component, ready to serve. Its requests share nothing.
pub struct HttpProgram {
    instances: Instances,
    service: Arc<Service>,
    tasks: Tasks,
    ticker: Arc<Ticker>,
}

impl std::fmt::Debug for HttpProgram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpProgram").field("service", &self.service).finish_non_exhaustive()
    }
}

/// The version of `wasi:http` that a component uses.
enum Instances {
    /// `wasi:http/incoming-handler` of 0.2.
    Incoming(p2::bindings::ProxyPre<State>),
    /// `wasi:http/handler` of 0.3.
    Handler(p3::bindings::ServicePre<State>),
}

/// The inputs for the handling of one request.
#[derive(Debug)]
pub struct HttpFrame {
    pub request: RequestId,
    /// When the guest is ended if it still runs; an unfinished response then breaks off.
    pub deadline: Instant,
    /// Dropped when the guest has ended and its memory is free.
    pub instance: Slot,
}

/// # Errors
///
/// [`LinkError`].
pub(super) fn link(code: &Code, settings: LinkSettings, tasks: &Tasks) -> Result<HttpProgram, LinkError> {
    let service = settings.service.clone();
    if code.kind != Kind::Http {
        return Err(LinkError::Kind { service });
    }
    let import = |source| LinkError::Import { service: service.clone(), source };
    let mut linker = Linker::<State>::new(code.component.engine());
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(import)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker).map_err(import)?;
    p2::add_only_http_to_linker_async(&mut linker).map_err(import)?;
    p3::add_to_linker(&mut linker).map_err(import)?;
    let instances = linker.instantiate_pre(&code.component).map_err(import)?;
    let instances = match p3::bindings::ServicePre::new(instances.clone()) {
        Ok(handler) => Instances::Handler(handler),
        Err(_) => {
            let incoming = p2::bindings::ProxyPre::new(instances);
            Instances::Incoming(incoming.map_err(|source| LinkError::NoHandler { source })?)
        }
    };
    let service = Arc::new(Service::new(settings));
    Ok(HttpProgram { instances, service, tasks: tasks.clone(), ticker: Arc::clone(&code.ticker) })
}

/// The receiver of a guest's response or error.
type Respond = oneshot::Sender<Result<Response<WasiBody>, wasmtime_wasi_http::Error>>;

impl HttpProgram {
    /// Gives `request` to a fresh instance, and resolves when the instance has begun its response. The guest then
    /// continues until it ends or its deadline has passed. `slot` is dropped when the guest has ended and the last byte
    /// of the response is gone.
    ///
    /// # Errors
    ///
    /// [`Failure`], when the guest ended without a response. It is logged here.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the guest and frees its slot and memory.
    pub async fn handle<B>(
        self: &Arc<Self>,
        request: Request<B>,
        frame: HttpFrame,
        slot: Slot,
    ) -> Result<Response<HttpBody>, Failure>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let broken = |error: B::Error| wasmtime_wasi_http::Error::InternalError(Some(error.into().to_string()));
        let request = request.map(|body| body.map_err(broken).boxed_unsync());
        let (respond, response) = oneshot::channel();
        let (wanted, unwanted) = oneshot::channel::<()>();
        let (fail, failed) = oneshot::channel();
        let broken = Broken::default();
        let (program, breaks, guests_slot) = (Arc::clone(self), broken.clone(), Arc::clone(&slot));
        let shortage = Shortage::default();
        let lacks = shortage.clone();
        self.tasks.spawn("wasi:http component", async move {
            let _slot = guests_slot;
            let ticker = Arc::clone(&program.ticker);
            let served = ticker.run(async move { program.serve(request, frame, respond, breaks, lacks).await });
            tokio::select! {
                result = served => {
                    // If the response has begun, nobody receives this error, but it is in the log.
                    let _began = fail.send(result.err());
                }
                () = dropped(unwanted) => {}
            }
        });
        let answer = response.await;
        // From here on the guest ends by itself.
        let _ended = wanted.send(());
        match answer {
            Ok(Ok(response)) => Ok(response.map(|written| HttpBody { written, broken, _slot: slot })),
            Ok(Err(error)) => Err(match shortage.get() {
                Some(lacking) => Failure::Resources { detail: lacking.to_owned() },
                None => trap(format!("the component returned an error instead of a response: {error}")),
            }),
            Err(_) => {
                let failure = failed.await.ok().flatten();
                Err(failure.unwrap_or_else(|| trap("the component ended without a response".into())))
            }
        }
    }

    /// Runs the guest to its end.
    async fn serve(
        &self,
        request: Request<WasiBody>,
        frame: HttpFrame,
        respond: Respond,
        broken: Broken,
        shortage: Shortage,
    ) -> Result<(), Failure> {
        let _counted = self.service.metrics.count_instance();
        let deadline = frame.deadline.into();
        let mut store = self.store(State::new(&self.service, &frame.request, shortage));
        let run = self.run_in(&mut store, request, respond);
        let result = match tokio::time::timeout_at(deadline, run).await {
            Ok(result) => result.map_err(Failure::of),
            Err(_) => Err(Failure::Deadline),
        };
        if result.is_err() {
            broken.set();
        }
        self.ended(store, &frame, &"wasi:http handler", result)
    }

    /// The size of the largest memory that a new instance has.
    #[must_use]
    pub fn initial_memory_bytes(&self) -> u64 {
        let component = match &self.instances {
            Instances::Incoming(instances) => instances.instance_pre().component(),
            Instances::Handler(instances) => instances.instance_pre().component(),
        };
        initial_memory_bytes(component)
    }

    async fn run_in(
        &self,
        store: &mut Store<State>,
        request: Request<WasiBody>,
        respond: Respond,
    ) -> wasmtime::Result<()> {
        match &self.instances {
            Instances::Incoming(instances) => {
                let mut http = store.data_mut().http();
                let request = http.new_incoming_request(Scheme::Http, request)?;
                let respond = http.new_response_outparam_from_callback(|response| {
                    // The receiver may be gone.
                    let _gone = respond.send(response.map_err(Into::into));
                })?;
                let instance = instances.instantiate_async(&mut *store).await?;
                instance.wasi_http_incoming_handler().call_handle(&mut *store, request, respond).await
            }
            Instances::Handler(instances) => {
                let instance = instances.instantiate_async(&mut *store).await?;
                store
                    .run_concurrent(async |accessor| handle_concurrent(&instance, accessor, request, respond).await)
                    .await?
            }
        }
    }

    /// A store for one instance.
    fn store(&self, state: State) -> Store<State> {
        let mut store = Store::new(self.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }

    /// Ends an instance, and logs a failure.
    fn ended(
        &self,
        store: Store<State>,
        frame: &HttpFrame,
        function: &dyn std::fmt::Display,
        result: Result<(), Failure>,
    ) -> Result<(), Failure> {
        let state = store.into_data();
        let (memory_refused, shortage, log_tail) = (state.memory.refused(), state.shortage(), state.finish_log());
        result.map_err(|failure| {
            let ended = Ended { request: &frame.request, function, memory_refused, shortage, log_tail };
            report(&self.service, ended, failure)
        })
    }

    fn engine(&self) -> &wasmtime::Engine {
        match &self.instances {
            Instances::Incoming(instances) => instances.engine(),
            Instances::Handler(instances) => instances.engine(),
        }
    }
}

/// Gives `request` to a guest of 0.3. The guest's function returns when its response begins, and it writes the body
/// after that.
async fn handle_concurrent(
    instance: &p3::bindings::Service,
    accessor: &Accessor<State>,
    request: Request<WasiBody>,
    respond: Respond,
) -> wasmtime::Result<()> {
    let (parts, body) = request.into_parts();
    let uri = parts.uri.into_parts();
    // In HTTP/1.1 the authority is only in the Host header, which the guest does not see.
    let host = parts.headers.get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let authority = uri.authority.or(host);
    let headers = accessor.with(|mut store| FieldMap::new_immutable(store.data_mut().http().hooks, parts.headers));
    let scheme = uri.scheme.or(Some(HttpScheme::HTTP));
    let (request, sent) = p3::Request::new(parts.method, scheme, authority, uri.path_and_query, headers, None, body);
    let response = match instance.handle(accessor, request).await? {
        Ok(response) => Ok(accessor.with(|mut store| response.into_http(&mut store, sent))?),
        Err(error) => Err(error.into()),
    };
    // The receiver may be gone.
    let _gone = respond.send(response);
    std::future::poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
    Ok(())
}

/// Resolves when the other end of `channel` was dropped unused.
async fn dropped(channel: oneshot::Receiver<()>) {
    if channel.await.is_ok() {
        std::future::pending::<()>().await;
    }
}

fn trap(message: String) -> Failure {
    Failure::Trap { message, backtrace: String::new(), log_tail: String::new() }
}
