//! Calls that the host makes by itself: to deliver an event, or because a schedule is due.
//!
//! Invariant: all calls for one cause have the same id, time and randomness, so a repeated call finds the memos of the
//! first.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use sha2::{Digest as _, Sha256};
use wasmtime::component::Val;

use super::calls::Calls;
use crate::call::durability::AfterRun;
use crate::call::durability::root_persistence::RootPersistence;
use crate::call::engine::answer::{Answer, CallError};
use crate::call::engine::call::{Call, panic_message};
use crate::call::engine::root::{Root, RootDetails};
use crate::call::engine::seed::Seed;
use crate::call::engine::spans::{begin_call, end_call};
use crate::call::routing::current::NotBegun;
use crate::call::routing::{Origin, Routing};
use crate::contract::Function;
use crate::fail_point::fail_point;
use crate::names::{CallId, CommitSeq, RequestId, ServiceName};
use crate::observe::traces::ParentSpan;
use crate::store::system::RowWrite;

/// A call that the host makes by itself.
#[derive(Debug)]
pub struct HostCall {
    pub service: ServiceName,
    /// The function, as exported by the service's live release.
    pub function: Arc<Function>,
    pub arguments: Vec<Val>,
    /// The service that the component sees as its caller.
    pub calling_service: Option<ServiceName>,
    /// Distinguishes the call from all others: `event inventory 42 0 cart`.
    pub cause: String,
    /// The last commit that led to the call. Nothing of the call leaves the host before that commit is durable.
    pub caused_by: CommitSeq,
    /// The time that it sees, in microseconds since the Unix epoch.
    pub time_unix_micros: u64,
    /// Rows of its service's store to commit with the call's writes.
    pub rows: Vec<RowWrite>,
    /// Whether the host repeats it when it fails after an effect elsewhere. Otherwise the caller repeats it until it
    /// ends.
    pub intent: bool,
    /// Where its span belongs.
    pub span: ParentSpan,
}

impl Calls {
    /// Runs `call` until its effects have a place in the journal, though they may not be durable yet.
    ///
    /// # Errors
    ///
    /// [`CallError`]; none of the call's effects and rows remains in its service's store.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the call stops where it is, as after a crash of the host.
    pub async fn run_host_call(&self, call: HostCall, routing: &Routing) -> Result<Answer, CallError> {
        let (durable, service) = (&self.inner.durable, call.service.clone());
        durable.check_running()?;
        let table = self.inner.current.begin(routing, None, Origin::HOST, (&service, false)).await;
        let table = table.map_err(|why| match why {
            // It was held until its deadline, and has not begun.
            NotBegun::HeldTooLong => CallError::unavailable(&service, "its data is being migrated"),
            NotBegun::DataMigrated => CallError::not_begun(&service, why),
        })?;
        let Some(backend) = table.backend(&service).cloned() else {
            return Err(CallError::unavailable(&service, "no such service"));
        };
        let seed = self.seed_of(&call.cause);
        let span = begin_call(&call.span, &service, &call.function);
        let (request, _rest) = seed.split_first_chunk().expect("16 is less than 32");
        let details = RootDetails {
            service: call.service,
            function: call.function,
            arguments: call.arguments.into(),
            identity: None,
            calling_service: call.calling_service,
            request: RequestId::from_bits(u128::from_be_bytes(*request)),
            seed,
            time_unix_micros: call.time_unix_micros,
            client: None,
            may_have_run: true,
            span: span.as_parent(),
            takes_body: false,
        };
        let persistence = RootPersistence::new(durable, None, call.rows, !call.intent);
        let shared = Arc::<RootPersistence>::clone(&persistence);
        let root = Root::new(table, details, shared, &durable.instances, call.caused_by);
        let run = async {
            fail_point("delivery.before-commit");
            let result = Call::root(&root, &backend).execute().await;
            fail_point("delivery.after-commit");
            result
        };
        let result = AssertUnwindSafe(run).catch_unwind().await.unwrap_or_else(|panic| {
            if durable.may_log("the host panicked", &service) {
                tracing::error!(%service, cause = call.cause, panic = panic_message(&*panic), "the host panicked");
            }
            Err(CallError::Failed { service: service.clone() })
        });
        if result.is_err() && persistence.is_committed() {
            // The host panicked after the commit: a repeated call would have its effects twice.
            return Ok(Answer::Ok(None));
        }
        let result = match durable.after_run(&root, &persistence, result, None).await {
            AfterRun::Ended(result) => result,
            AfterRun::GoesOn(_) => Err(CallError::Begun { service: service.clone() }),
        };
        end_call(span, &service, result.as_ref());
        result
    }

    /// The id of the call with this cause.
    #[must_use]
    pub fn host_call_id(&self, cause: &str) -> CallId {
        CallId::of_seed(&self.seed_of(cause))
    }

    /// The seed of the call with this cause. It cannot be derived from the cause alone.
    fn seed_of(&self, cause: &str) -> Seed {
        let mut hash = Sha256::new();
        hash.update(self.inner.host_call_key);
        hash.update(cause.as_bytes());
        hash.finalize().into()
    }
}
