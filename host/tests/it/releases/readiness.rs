//! What makes a host unready.

use super::Setup;
use super::components::variant;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_releases_all_have_open_circuits_makes_the_host_unready() {
    let rig = Setup::pair("limits.circuit_failures = 3\nlimits.circuit_clients = 1\nlimits.circuit_open_ms = 60_000");
    let rig = rig.start().await;
    rig.operator.get("/readyz").await.expect(200);
    for _ in 0..3 {
        rig.public.get("/front?script=panic%20x").await;
    }
    let answer = rig.operator.get("/readyz").await.expect(503);
    assert!(answer.to_string().contains("front answers nobody: the circuits of its releases are open"), "{answer:#}");
    rig.deploy("front", "", variant("call=say better")).await.expect(201);
    rig.operator.get("/readyz").await.expect(200);
    rig.stop().await;
}
