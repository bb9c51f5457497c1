//! One run of a raw `wasi:http` component, from its request to the end of its guest.

use std::future::{Future as _, poll_fn};

use hyper::header::HOST;
use hyper::http::uri::{Authority, Scheme as HttpScheme};
use hyper::{Request, Response};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use wasmtime::Store;
use wasmtime::component::Accessor;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{FieldMap, WasiBody, WasiHttpView as _, p2, p3};

use super::frame::Progress;
use super::program::{HttpProgram, Instances};
use super::state::State;
use crate::runtime::instance::{Ended, Failure, report};
use crate::store::Transaction;

/// The beginning of a guest's response, and the transaction of the request.
pub(super) type Begun = (Response<WasiBody>, Transaction);

/// The receiver of a guest's response or error.
pub(super) struct Respond {
    pub(super) sender: oneshot::Sender<Result<Begun, wasmtime_wasi_http::Error>>,
    pub(super) progress: Progress,
}

impl Respond {
    /// Passes on what the guest responds. `take` ends the transaction.
    fn send(self, response: Result<Response<WasiBody>, wasmtime_wasi_http::Error>, take: impl FnOnce() -> Transaction) {
        let begun = response.map(|response| {
            self.progress.begin();
            (response, take())
        });
        // The receiver may be gone.
        let _gone = self.sender.send(begun);
    }
}

/// When a guest is ended: before its response begins, and after that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    pub(super) response: Instant,
    pub(super) stream: Instant,
}

impl HttpProgram {
    /// Runs the guest to its end.
    pub(super) async fn serve(
        &self,
        request: Request<WasiBody>,
        state: State,
        deadlines: Deadlines,
        respond: Respond,
    ) -> Result<(), Failure> {
        let _counted = self.service.metrics.count_instance();
        let (progress, attempt, only_reads) =
            (respond.progress.clone(), state.attempt(), state.transaction.may_only_read());
        let mut store = self.store(state);
        let mut run = Box::pin(self.run_in(&mut store, request, respond));
        let finished = poll_fn(|context| progress.run(|| run.as_mut().poll(context)));
        let result = tokio::select! {
            finished = finished => finished.map_err(|error| Failure::of(error, self.service.limits.handles_max)),
            () = overtime(deadlines, &progress) => Err(Failure::Deadline),
            () = attempt.made(), if only_reads => Err(Failure::OnlyReads),
        };
        if result.is_err() {
            progress.break_off();
        }
        drop(run);
        self.ended(store, result)
    }

    /// A store for one instance.
    fn store(&self, state: State) -> Store<State> {
        let mut store = Store::new(self.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }

    async fn run_in(
        &self,
        store: &mut Store<State>,
        request: Request<WasiBody>,
        respond: Respond,
    ) -> wasmtime::Result<()> {
        match &self.instances {
            Instances::Incoming(instances) => handle_incoming(instances, store, request, respond).await,
            Instances::Handler(instances) => {
                let instance = instances.instantiate_async(&mut *store).await?;
                store.run_concurrent(async |accessor| handle(&instance, accessor, request, respond).await).await?
            }
        }
    }

    /// Ends an instance and its log, and logs a failure. A run that has to happen elsewhere is none.
    fn ended(&self, store: Store<State>, result: Result<(), Failure>) -> Result<(), Failure> {
        let mut state = store.into_data();
        let (memory_refused, shortage, log_tail) = (state.memory.refused(), state.shortage(), state.finish_log());
        result.map_err(|failure| {
            if matches!(failure, Failure::OnlyReads) {
                return failure;
            }
            let function = &"wasi:http handler";
            let ended = Ended { request: &state.request, function, memory_refused, shortage, log_tail };
            report(&self.service, ended, failure)
        })
    }
}

/// Gives `request` to a guest of 0.2, which runs to its end.
async fn handle_incoming(
    instances: &p2::bindings::ProxyPre<State>,
    store: &mut Store<State>,
    request: Request<WasiBody>,
    respond: Respond,
) -> wasmtime::Result<()> {
    let transaction = store.data().transaction.clone();
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(Scheme::Http, request)?;
    let respond = http.new_response_outparam_from_callback(move |response| {
        respond.send(response.map_err(Into::into), || transaction.take());
    })?;
    let instance = instances.instantiate_async(&mut *store).await?;
    instance.wasi_http_incoming_handler().call_handle(&mut *store, request, respond).await
}

/// Gives `request` to a guest of 0.3. The guest's function returns when its response begins, and it writes the body
/// after that.
async fn handle(
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
    respond.send(response, || accessor.with(|mut store| store.data_mut().transaction.take()));
    poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
    Ok(())
}

/// Resolves when the guest has used up its time.
async fn overtime(deadlines: Deadlines, progress: &Progress) {
    sleep_until(deadlines.response).await;
    if progress.has_begun() {
        sleep_until(deadlines.stream).await;
    }
}
