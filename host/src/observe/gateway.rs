//! Metrics of the public API: connections, requests by route, and requests that were refused before they reached a
//! route.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

/// The connections of one server.
#[derive(Debug)]
pub struct ConnectionMetrics {
    server: &'static str,
    open: Gauge,
    taken: Counter,
    cut_off: Counter,
}

/// Connections of all servers that were cut off since the process started.
static CUT_OFF: AtomicU64 = AtomicU64::new(0);

/// How many connections this process has cut off.
#[must_use]
pub fn connections_cut_off() -> u64 {
    CUT_OFF.load(Relaxed)
}

/// An open connection, counted until it drops.
#[derive(Debug)]
pub struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

impl ConnectionMetrics {
    /// `server` is `public` for the public API; the operator API has another name.
    #[must_use]
    pub fn new(server: &'static str) -> Self {
        Self {
            server,
            open: gauge!("switchyard_connections_open", "server" => server),
            taken: counter!("switchyard_connections_total", "server" => server),
            cut_off: counter!("switchyard_connections_cut_off_total", "server" => server),
        }
    }

    #[must_use]
    pub fn open(&self) -> OpenConnection {
        self.taken.increment(1);
        self.open.increment(1.0);
        OpenConnection(self.open.clone())
    }

    /// Records a connection that was closed because its client was too slow.
    pub fn cut_off(&self) {
        self.cut_off.increment(1);
        CUT_OFF.fetch_add(1, Relaxed);
    }

    /// Records a request that was refused because its client does not read earlier answers.
    pub fn unread(&self) {
        counter!("switchyard_requests_refused_unread_total", "server" => self.server).increment(1);
    }

    /// Records a connection that was refused: there are too many in total (`full`) or of one client (`client`).
    pub fn refused(&self, why: &'static str) {
        counter!("switchyard_connections_refused_total", "server" => self.server, "why" => why).increment(1);
    }
}

/// The classes of statuses, by their first digit.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The requests of one route.
#[derive(Debug)]
pub struct RouteMetrics {
    seconds: Histogram,
    labels: (&'static str, String),
    /// By the first digit of the status, 1 to 5. A class gets its series with its first answer.
    answers: [OnceLock<Counter>; 5],
}

impl RouteMetrics {
    /// `route` is the pattern, such as `/carts/{id}`: a label must have few values, and none from a client.
    #[must_use]
    pub fn new(method: &'static str, route: &str) -> Self {
        let seconds = histogram!("switchyard_http_request_seconds", "method" => method, "route" => route.to_owned());
        Self { seconds, labels: (method, route.to_owned()), answers: Default::default() }
    }

    /// Records an answer with `status`, `seconds` after the head of the request was read.
    pub fn answered(&self, status: u16, seconds: f64) {
        let class = usize::from(status / 100).wrapping_sub(1);
        if let Some((answers, status)) = self.answers.get(class).zip(CLASSES.get(class)) {
            let counter = || {
                let (method, route) = (self.labels.0, self.labels.1.clone());
                counter!("switchyard_http_requests_total", "method" => method, "route" => route, "status" => *status)
            };
            answers.get_or_init(counter).increment(1);
        }
        self.seconds.record(seconds);
    }
}

#[cfg(test)]
mod tests;
