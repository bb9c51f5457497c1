//! Responses of a service that speaks HTTP itself, after they have begun: how long they last, and how a failure counts.

use std::net::SocketAddr;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::components::web;
use super::mounted_store::rig;
use super::mounts::said;
use super::{Rig, until};

const VERSIONS: [&str; 2] = ["0.2", "0.3"];

/// Gets `path` until its answer has begun.
async fn begin(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: t\r\n\r\n").as_bytes()).await.unwrap();
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("begun") {
        assert!(stream.read_buf(&mut read).await.unwrap() > 0, "{}", String::from_utf8_lossy(&read));
    }
    stream
}

impl Rig {
    /// Waits until no request of `web` is under way, and gives its figures.
    async fn figures_at_rest(&self) -> serde_json::Value {
        until("rest", async || self.service("web").await["figures"]["inFlight"] == 0).await;
        self.service("web").await["figures"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_lasts_longer_than_the_deadline_and_than_an_idle_connection() {
    for version in VERSIONS {
        let rig =
            rig(version, "limits.deadline_ms = 1_500\ngateway.idle_ms_max = 300\ngateway.body_read_ms_max = 300").await;
        assert_eq!(said(&rig.public.get("/web/slow?2500").await), "begun ended", "{version}");
        let figures = rig.figures_at_rest().await;
        assert_eq!((&figures["calls"], &figures["errors"]["deadline"]), (&json!(1), &json!(0)), "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_its_time_is_over() {
    for version in VERSIONS {
        let rig = rig(version, "limits.deadline_ms = 2_000\nlimits.stream_ms_max = 3_000").await;
        assert!(rig.public.try_send("GET", "/web/slow?60000", "").await.is_err(), "{version}: it broke off");
        assert_eq!(rig.figures_at_rest().await["errors"]["deadline"], 1, "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_after_the_response_has_begun_counts_as_one_before_it() {
    for (path, error) in [("/web/break-off", "trap"), ("/web/abort", "failed")] {
        for version in VERSIONS {
            let keys = "limits.circuit_failures = 3\nlimits.circuit_clients = 1\nlimits.circuit_open_ms = 60_000";
            let rig = rig(version, keys).await;
            for _ in 0..3 {
                assert!(rig.public.try_send("GET", path, "").await.is_err(), "{path}, {version}: it broke off");
                rig.figures_at_rest().await;
            }
            let service = rig.service("web").await;
            assert_eq!(service["figures"]["errors"][error], 3, "{path}, {version}: {:#}", service["figures"]);
            assert_eq!(service["live"]["figures"]["errors"], 3, "{path}, {version}");
            assert_eq!(rig.public.get("/web/variant").await.status, 503, "{path}, {version}: the circuit is open");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_breaks_off_its_responses_is_given_up() {
    let keys = "deploy.candidate_calls_min = 20\nlimits.circuit_failures = 1_000";
    let rig = rig("0.2", keys).await;
    rig.deploy("web", "?weight=50", web("0.2", "breaks")).await.expect(201);
    until("the end of the candidate", async || {
        for client in 1..=40 {
            let _broke_off = rig.client_from([127, 0, 9, client]).try_send("GET", "/web/or-break-off", "").await;
        }
        rig.told("web").await.iter().any(|what| what == "takenOut")
    })
    .await;
}

/// A component fails when it cannot write on. That is the client's doing.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_is_no_failure_of_the_component() {
    for version in VERSIONS {
        let rig = rig(version, "").await;
        for _ in 0..3 {
            drop(begin(rig.host.gateway_address(), "/web/slow?200").await);
        }
        let figures = rig.figures_at_rest().await;
        assert_eq!((&figures["calls"], &figures["errors"]["trap"]), (&json!(3), &json!(0)), "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_many_streams_keeps_slots_from_itself_alone() {
    for version in VERSIONS {
        let keys = "limits.calls_in_flight_max = 4\nlimits.wait_ms_max = 50\nlimits.deadline_ms = 30_000";
        let rig = rig(version, keys).await;
        let address = rig.host.gateway_address();
        let streams = [begin(address, "/web/slow?60000").await, begin(address, "/web/slow?60000").await];
        let refused = rig.public.get("/web/variant").await;
        assert_eq!(refused.status, 429, "{version}: {refused:?}");
        assert_eq!(rig.client_from([127, 0, 10, 1]).get("/web/variant").await.status, 200, "{version}: another client");
        let service = rig.service("web").await;
        assert_eq!((&service["figures"]["refused"], &service["live"]["figures"]["refused"]), (&json!(1), &json!(0)));
        drop(streams);
    }
}
