//! The listeners of a node, and its work in the background: all of it is there whoever leads.

use std::sync::Arc;

use tokio::net::TcpListener;

use super::operator::OperatorSide;
use super::reads::{Questions, ReadGate};
use super::replays::Replays;
use super::sides::{NodeSide, PublicSide};
use crate::gateway::{self, Listener, ServerSettings, TrustedProxies};
use crate::observe::gateway::ConnectionMetrics;
use crate::observe::{LogLimit, Metrics};
use crate::platform::parts::until_stop;
use crate::tasks::{Lifetime, Tasks};

/// The listeners that are there before everything else.
pub(in crate::platform) struct Listeners {
    pub(in crate::platform) public: TcpListener,
    pub(in crate::platform) operator: TcpListener,
}

/// Serves the three listeners in `tasks`.
pub(super) fn serve(
    side: PublicSide,
    operator: &Arc<OperatorSide>,
    (listeners, nodes): (Listeners, TcpListener),
    public: ServerSettings,
    tasks: &Tasks,
) {
    // Nodes authenticate each request, and one connection of a node carries the requests of all its clients.
    let between = ServerSettings {
        tls: None,
        proxies: TrustedProxies::none(),
        connections_per_client_max: public.connections_max,
        // As many as clients may have connections here. Who is no node gets no stream for longer than its refusal takes.
        streams_per_connection_max: u32::try_from(public.connections_max).unwrap_or(u32::MAX),
        ..public.clone()
    };
    let (roles, reads) = (Arc::clone(&side.roles), Arc::clone(&side.reads));
    supervise("public listener", "public", listeners.public, Arc::new(side), public, tasks);
    supervise(
        "operator's listener",
        "operator",
        listeners.operator,
        Arc::clone(operator),
        operator.admin.server().clone(),
        tasks,
    );
    let (replays, log) = (Replays::new(), LogLimit::default());
    let side = Arc::new(NodeSide { roles, operator: Arc::clone(operator), reads, replays, log });
    supervise("nodes' listener", "nodes", nodes, side, between, tasks);
}

fn supervise<H: gateway::Handler>(
    name: &'static str,
    metrics: &'static str,
    listener: TcpListener,
    handler: Arc<H>,
    settings: ServerSettings,
    tasks: &Tasks,
) {
    let (listener, group) = (Listener::from(listener), tasks.clone());
    tasks.supervise(name, Lifetime::Host, move || {
        let (listener, handler, settings, tasks) =
            (listener.clone(), Arc::clone(&handler), settings.clone(), group.clone());
        async move { gateway::serve(listener, handler, &settings, ConnectionMetrics::new(metrics), &tasks).await }
    });
}

/// Runs the upkeep of metrics, and the reports of this node, in `tasks`.
pub(super) fn maintain(metrics: &Metrics, operator: &Arc<OperatorSide>, tasks: &Tasks) {
    let (metrics, operator) = (metrics.clone(), Arc::clone(operator));
    until_stop("metrics", tasks, move || metrics.clone().maintain());
    until_stop("reports of this node", tasks, move || {
        let operator = Arc::clone(&operator);
        async move { operator.report_for_ever().await }
    });
}

/// Asks the leader for its number, for the reads that wait for it, in `tasks`.
pub(super) fn ask(reads: Arc<ReadGate>, questions: Questions, tasks: &Tasks) {
    let questions = Arc::new(tokio::sync::Mutex::new(questions));
    until_stop("read numbers", tasks, move || {
        let (reads, questions) = (Arc::clone(&reads), Arc::clone(&questions));
        async move { reads.ask_for_ever(&mut *questions.lock().await).await }
    });
}
