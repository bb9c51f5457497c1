//! Gives a request to a fresh instance, and waits until its response begins.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Body;
use hyper::{Request, Response, StatusCode};
use tokio::sync::oneshot;
use wasmtime_wasi_http::WasiBody;

use super::body::HttpBody;
use super::frame::{HttpFrame, Progress, ResponseObserver};
use super::program::HttpProgram;
use super::request_body::RequestBodyError;
use super::run::{Deadlines, Respond};
use super::state::State;
use crate::names::CommitSeq;
use crate::runtime::instance::{Failure, Shortage};
use crate::runtime::offered::SharedTransaction;
use crate::store::Transaction;

/// A response that has begun, and that nobody has seen yet. Dropping it ends its guest.
pub struct BegunResponse {
    response: Response<WasiBody>,
    transaction: Transaction,
    shared: SharedTransaction,
    guest: RunningGuest,
    observer: Arc<dyn ResponseObserver>,
}

/// A guest that runs in a task of its own. Dropping it ends the guest.
struct RunningGuest {
    progress: Progress,
    /// Sent when the guest may go on by itself.
    wanted: oneshot::Sender<()>,
    /// Resolves when the guest has ended and its memory is free; with its failure if its response had not begun.
    ended: oneshot::Receiver<Option<Failure>>,
}

impl std::fmt::Debug for BegunResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BegunResponse").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl HttpProgram {
    /// Gives `request` to a fresh instance, and resolves when the instance has begun its response. The guest goes on
    /// meanwhile, but none of its response may leave the host before the transaction is durable.
    ///
    /// `observer` is dropped when the guest has ended and the last byte of the response is gone.
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
        observer: Arc<dyn ResponseObserver>,
    ) -> Result<BegunResponse, Failure>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<RequestBodyError>,
    {
        let shortage = Shortage::default();
        let deadlines = Deadlines { response: frame.deadline.into(), stream: frame.stream_deadline.into() };
        let only_reads = frame.only_reads;
        let state = State::new(&self.service, frame, Some(self.service.grants.clone()), shortage.clone());
        let attempt = state.attempt();
        let begun = self.begin(request, state, deadlines, shortage, observer).await;
        // Noted before the response began, or before the guest failed of it.
        if only_reads && attempt.was_made() {
            if let Ok(begun) = begun {
                begun.discard().await;
            }
            return Err(Failure::OnlyReads);
        }
        begun
    }

    pub(super) async fn begin<B>(
        self: &Arc<Self>,
        request: Request<B>,
        state: State,
        deadlines: Deadlines,
        shortage: Shortage,
        observer: Arc<dyn ResponseObserver>,
    ) -> Result<BegunResponse, Failure>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<RequestBodyError>,
    {
        let request = request.map(|body| body.map_err(|error| error.into().for_guest()).boxed_unsync());
        let (sender, response) = oneshot::channel();
        let (wanted, unwanted) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel();
        let (progress, shared) = (Progress::default(), state.transaction.clone());
        let respond = Respond { sender, progress: progress.clone() };
        let guest = RunningGuest { progress, wanted, ended };
        let (program, progress, observes) = (Arc::clone(self), guest.progress.clone(), Arc::clone(&observer));
        self.tasks.spawn("wasi:http component", async move {
            let code = Arc::clone(&program.code);
            let served =
                code.ticker.run(Box::pin(async move { program.serve(request, state, deadlines, respond).await }));
            let failure = tokio::select! {
                result = served => result.err(),
                () = dropped(unwanted) => None,
            };
            match failure {
                Some(failure) if progress.has_begun() => {
                    if !progress.is_abandoned() {
                        observes.guest_failed(&failure);
                    }
                }
                // The receiver may be gone.
                failure => drop(end.send(failure)),
            }
        });
        match response.await {
            Ok(Ok((response, transaction))) => Ok(BegunResponse { response, transaction, shared, guest, observer }),
            Ok(Err(error)) => Err(match shortage.get() {
                Some(lacking) => Failure::Resources { detail: lacking.to_owned() },
                None => trap(format!("the component returned an error instead of a response: {error}")),
            }),
            Err(_) => {
                let failure = guest.ended.await.ok().flatten();
                Err(failure.unwrap_or_else(|| trap("the component ended without a response".into())))
            }
        }
    }
}

impl BegunResponse {
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Takes the transaction out, with all reads and writes before the response began.
    pub fn take_transaction(&mut self) -> Transaction {
        std::mem::replace(&mut self.transaction, Transaction::scratch())
    }

    /// The highest commit that the guest has read and that may not be durable yet.
    #[must_use]
    pub fn reached(&self) -> CommitSeq {
        self.shared.reached()
    }

    /// Ends the guest, and resolves when its memory is free.
    pub async fn discard(self) {
        let RunningGuest { wanted, ended, .. } = self.guest;
        drop(wanted);
        // An error is the end too.
        let _ended = ended.await;
    }

    /// The response for the client, now that all commits up to `durable` are durable. From here on the guest ends by
    /// itself.
    #[must_use]
    pub fn stream(self, durable: CommitSeq) -> Response<HttpBody> {
        let Self { response, shared, guest: RunningGuest { progress, wanted, .. }, observer, .. } = self;
        // The guest may have ended already.
        let _ended = wanted.send(());
        response.map(|written| HttpBody::new(written, progress, observer, shared, durable))
    }
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
