//! What is emitted takes effect once, in order.

use super::Setup;

const PAIR: [(&str, &str); 2] = [("source", "source"), ("sink", "sink")];

#[tokio::test(flavor = "multi_thread")]
async fn an_event_takes_effect_once_whatever_starts_anew() {
    let rig = Setup::new(&PAIR).start();
    rig.run("source", "emit a {append log 1; by from}").await;
    rig.comes("sink", "log", "1").await;
    assert_eq!(rig.look("sink", "from").await, "source");
    let rig = rig.stop().await.start();
    rig.run("source", "emit a {append log 2}").await;
    rig.comes("sink", "log", "1 2").await;
}
