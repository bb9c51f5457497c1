//! [`Calls`], and the tasks that belong to no single call: the routing, holds, recovery and retention.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use hyper::body::Body;
use hyper::{Request, Response};

use crate::call::durability::DurableCalls;
use crate::call::durability::recovery::{FindError, PinnedReleases};
use crate::call::engine::answer::CallError;
use crate::call::engine::mounted::MountedRequest;
use crate::call::engine::seed::Entropy;
use crate::call::reuse::ReuseBounds;
use crate::call::routing::circuit::Client;
use crate::call::routing::current::CurrentRouting;
use crate::call::routing::instances::Instances;
use crate::call::routing::{Backend, Hold, Origin, Routing, Worlds};
use crate::clock;
use crate::config::RetrySettings;
use crate::names::{CallId, HostSecret, Identity, RequestId, ServiceName};
use crate::observe::traces::Tracer;
use crate::runtime::{HttpBody, RequestBodyError};
use crate::store::{Store, StoreError, Stores};
use crate::tasks::Tasks;

/// The data plane: runs calls on the releases of its routing. Clones share its state.
#[derive(Debug, Clone)]
pub struct Calls {
    pub(in crate::call::api) inner: Arc<Inner>,
}

/// The caller of a request to a mounted service.
#[derive(Debug, Clone)]
pub struct HttpCaller {
    pub request: RequestId,
    /// `None` if nobody signed in.
    pub identity: Option<Identity>,
    /// Whether this node does not lead, so that the request may only read: [`CallError::OnlyReads`] otherwise.
    pub only_reads: bool,
}

type Prepare = Box<dyn Fn(&Worlds) + Send + Sync>;

/// Gets the contracts of a routing before calls begin on it, and prepares the data that it derives from them.
#[derive(Default)]
pub(in crate::call::api) struct RoutingObserver(OnceLock<Prepare>);

impl fmt::Debug for RoutingObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutingObserver").finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(in crate::call::api) struct Inner {
    pub(in crate::call::api) current: Arc<CurrentRouting>,
    pub(in crate::call::api) durable: Arc<DurableCalls>,
    /// Of components that speak HTTP themselves.
    http_instances: Arc<Instances>,
    pub(in crate::call::api) entropy: Entropy,
    reuse: ReuseBounds,
    pub(in crate::call::api) tasks: Tasks,
    /// The key from which the seeds of the host's own calls are derived.
    pub(in crate::call::api) host_call_key: [u8; 32],
    pub(in crate::call::api) observer: RoutingObserver,
    tracer: OnceLock<Tracer>,
}

impl Calls {
    /// At most `instances_max` component instances of each kind exist at once, most of them for calls.
    ///
    /// Calls run in `tasks`, so shutdown waits for them. Answers of reading calls are
    /// used again within the bounds `reuse`. The ids of the host's own calls, and the key that seals answers, are derived
    /// from `secret`.
    ///
    /// # Errors
    ///
    /// When the system provides no randomness.
    pub fn new(
        routing: Routing,
        instances_max: u32,
        stores: Stores,
        tasks: Tasks,
        reuse: ReuseBounds,
        settings: RetrySettings,
        secret: HostSecret,
    ) -> Result<Self, getrandom::Error> {
        let instances_max = usize::try_from(instances_max).unwrap_or(usize::MAX);
        let (instances, http_instances) = (Instances::new(instances_max), Instances::new(instances_max));
        reserve(&instances, &http_instances, &routing);
        share(&reuse, &routing);
        let current = CurrentRouting::new(routing);
        let inner = Inner {
            durable: DurableCalls::new(&current, instances, stores, tasks.clone(), settings, &secret),
            http_instances,
            current,
            entropy: Entropy::new()?,
            reuse,
            tasks,
            host_call_key: secret.derive("host calls"),
            observer: RoutingObserver::default(),
            tracer: OnceLock::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// From now on the seeds of root calls are derived from `seed`. For the simulator.
    #[cfg(any(test, feature = "fail-points"))]
    pub(crate) fn draw_seeds_from(&self, seed: u64) {
        self.inner.entropy.draw_from(seed);
    }

    /// `prepare` gets the contracts of every routing before calls begin on it. Only the first observer is used.
    pub fn set_routing_observer(&self, prepare: impl Fn(&Worlds) + Send + Sync + 'static) {
        // Another observer derives its data on demand.
        let _first = self.inner.observer.0.set(Box::new(prepare));
    }

    /// Sets the tracer for what runs from now on. Only the first one is used; before, nothing is traced.
    pub fn set_tracer(&self, tracer: Tracer) {
        let _first = self.inner.tracer.set(tracer);
    }

    /// Begins the traces of requests and of what the host does by itself.
    #[must_use]
    pub fn tracer(&self) -> Tracer {
        self.inner.tracer.get().cloned().unwrap_or_default()
    }

    /// Lets the observer prepare for `routing`, and returns when it is ready.
    pub fn prepare(&self, routing: &Routing) {
        if let Some(prepare) = self.inner.observer.0.get() {
            prepare(routing.worlds());
        }
    }

    /// The routing of new root calls.
    #[must_use]
    pub fn routing(&self) -> Arc<Routing> {
        Arc::clone(&self.inner.current.load())
    }

    /// From now on root calls begin on `routing`. Calls in flight finish on their earlier one.
    pub fn swap(&self, routing: Routing) {
        reserve(&self.inner.durable.instances, &self.inner.http_instances, &routing);
        share(&self.inner.reuse, &routing);
        self.inner.current.swap(routing);
    }

    /// Gives `request` to the release that the mounted `service` has in `routing` for its caller. Resolves when the response
    /// has begun, and what the component wrote before that is durable.
    ///
    /// The request counts as a call of the service when it has ended: as refused where its status is an error, and for the
    /// time until its response began.
    ///
    /// # Errors
    ///
    /// [`CallError`], when no response begins. Nothing that the component wrote remains.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the guest of the request.
    pub async fn serve<B>(
        &self,
        service: &ServiceName,
        request: Request<B>,
        caller: HttpCaller,
        routing: &Routing,
        origin: Origin<'_>,
    ) -> Result<Response<HttpBody>, CallError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<RequestBodyError>,
    {
        let HttpCaller { request: id, identity, only_reads } = caller;
        // The table is dropped here: no migration changes the data of a mounted service, so none needs to wait for it.
        let Some(backend) = routing.choose(identity.as_ref(), origin, false).backend(service).cloned() else {
            return Err(CallError::unavailable(service, "no such service"));
        };
        let mounted = MountedRequest {
            backend,
            id,
            client: Client::of(identity.as_ref(), origin.client),
            address: Client::of(None, origin.client),
            identity,
            only_reads,
            seed: self.inner.entropy.seed(),
            began: clock::now(),
            time_unix_micros: clock::unix_micros(),
        };
        mounted.serve(request, &self.inner.http_instances).await
    }

    /// Stops new root calls from beginning, and waits for those in flight to end. Returns `None` when that is not done
    /// by `until`; then calls continue at once. Only one hold at a time.
    pub async fn hold(&self, until: Instant) -> Option<Hold> {
        self.inner.current.hold(until).await
    }

    /// Finds the intents that were open when the host ended, before the host serves requests.
    ///
    /// # Errors
    ///
    /// [`FindError`] when a store cannot be read.
    pub fn find_intents(&self) -> Result<usize, FindError> {
        let routing = self.inner.current.load();
        routing.live().backends().map(|backend| self.find_intents_in(backend.service.store())).sum()
    }

    /// Finds the open intents in the store of a service that comes back, before it is called.
    ///
    /// # Errors
    ///
    /// [`FindError`] when the store cannot be read.
    pub fn find_intents_in(&self, store: &Store) -> Result<usize, FindError> {
        self.inner.durable.find_intents_in(store)
    }

    /// Runs the calls of open intents until the tasks of the host are stopped.
    pub async fn recover(self, pinned: Arc<dyn PinnedReleases>) {
        Arc::clone(&self.inner.durable).recover(pinned).await;
    }

    /// Deletes unneeded rows of calls repeatedly, until the tasks of the host are stopped. `repeatable` returns the ids
    /// of the calls that other parts may repeat. It may block.
    pub async fn run_retention(
        self,
        repeatable: impl Fn() -> Result<HashSet<CallId>, StoreError> + Send + Sync + 'static,
    ) {
        Arc::clone(&self.inner.durable).run_retention(Arc::new(repeatable)).await;
    }
}

/// Gives each service with a contract its share of the memory for cached answers.
fn share(reuse: &ReuseBounds, routing: &Routing) {
    let backends = routing.live().backends().filter(|backend| backend.release.program.contract().is_some());
    let services: Vec<_> = backends.map(|backend| &backend.service).collect();
    services.iter().for_each(|service| service.answers.set_bounds(reuse, services.len()));
}

/// Reserves for the services of `routing` what their limits say.
fn reserve(instances: &Instances, http_instances: &Instances, routing: &Routing) {
    let speaks_http = |backend: &&Backend| backend.release.program.http().is_some();
    instances.reserve(routing.live().backends().filter(|backend| !speaks_http(backend)));
    http_instances.reserve(routing.live().backends().filter(speaks_http));
}
