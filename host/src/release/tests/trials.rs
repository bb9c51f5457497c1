//! Trials in a cluster: the calls that run on other nodes count too.

use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};

use super::*;
use crate::observe::calls::Outcome as CallOutcome;
use crate::observe::{ReleaseCalls, Reporter, Sample};

/// `calls` calls, all of which trap if they `fail`.
fn calls(calls: u64, fail: bool) -> Sample {
    let counted = ReleaseCalls::default();
    let outcome = if fail { CallOutcome::Trap } else { CallOutcome::Ok };
    (0..calls).for_each(|_| counted.ended(outcome, Duration::from_millis(1)));
    counted.sample()
}

fn reporter(node: &str) -> Reporter {
    Reporter { since: 1, node: node.into() }
}

async fn deploy(releases: &Releases, plan: &Plan) {
    // A custom section: its name and its content change nothing.
    let component = [alone(), vec![0, 3, 1, b'x', 1]].concat();
    let proposal = Proposal { service: name("first"), component: component.into(), signature: None };
    releases.deploy(&Holder::admin(), vec![proposal], plan).await.expect("a release");
}

/// Deploys another component as a candidate that only requests with a header get.
async fn begin_trial(releases: &Releases) {
    let header = (HeaderName::from_static("x-trial"), HeaderValue::from_static("new"));
    deploy(
        releases,
        &Plan { rollout: Some(Rollout { header: Some(header), ..Rollout::default() }), ..Plan::default() },
    )
    .await;
}

/// A node that follows, with the data of `disk`.
fn replica(disk: &SimulatedDisk, configuration: &Configuration, folder: &Path) -> (Releases, Stores) {
    let stores = Stores::open_on(&disk.after_kill().as_disk(), &configuration.manifest.store, &[], None);
    let (stores, tasks) = (stores.expect("stores"), Tasks::default());
    let manifest = &configuration.manifest;
    let replica = tokio::task::block_in_place(|| {
        let runtime = Runtime::new(&manifest.runtime, tasks.outages()).expect("a runtime");
        Releases::open_replica(manifest, &folder.join("data"), runtime, &stores, &tasks).expect("a replica").0
    });
    (replica, stores)
}

/// What a node reports whose live release and candidate have had such calls.
fn report_of(disk: &SimulatedDisk, configuration: &Configuration, folder: &Path, fails: bool) -> Vec<u8> {
    let (replica, _stores) = replica(disk, configuration, folder);
    let state = replica.state();
    let running = state.running(&name("first")).expect("the service");
    running.live.count_reported(reporter("clients"), calls(300, false));
    let candidate = running.candidate.as_ref().expect("the candidate");
    candidate.release.count_reported(reporter("clients"), calls(300, fails));
    serde_json::to_vec(&replica.trials()).expect("a report")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_fails_only_on_another_node_is_taken_out() {
    for fails in [true, false] {
        let (folder, configuration) = folder();
        let disk = SimulatedDisk::new(1);
        let (leader, _stores) = open(&disk, &configuration, folder.path());
        begin_trial(&leader).await;
        let report = report_of(&disk, &configuration, folder.path(), fails);
        // Another node has reported the same, and one report comes twice.
        for node in ["b", "c", "b"] {
            leader.count_trials(&reporter(node), serde_json::from_slice(&report).expect("a report"));
        }
        let view = leader.service(&name("first")).expect("the service");
        let judged = serde_json::to_value(view.candidate.expect("the candidate")).expect("JSON");
        assert_eq!(judged.pointer("/judged/candidate/calls"), Some(&600.into()), "{judged}");
        assert_eq!(judged.pointer("/judged/live/calls"), Some(&600.into()), "{judged}");
        leader.check_services(&mut BTreeMap::new()).await;
        let is_on_trial = leader.service(&name("first")).is_some_and(|service| service.candidate.is_some());
        assert_eq!(is_on_trial, !fails);
        // Figures of a trial that is over count nowhere.
        if fails {
            leader.count_trials(&reporter("d"), serde_json::from_slice(&report).expect("a report"));
            assert_eq!(
                leader.service(&name("first")).expect("the service").live.figures.map(|live| live.calls),
                Some(600)
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_release_whose_circuit_opens_only_on_another_node_is_rolled_back() {
    for fails in [true, false] {
        let (folder, mut configuration) = folder();
        configuration.manifest.deploy.rollback_when_circuit_opens = true;
        let disk = SimulatedDisk::new(1);
        let (leader, _stores) = open(&disk, &configuration, folder.path());
        deploy(&leader, &Plan::default()).await;
        let deployed = leader.service(&name("first")).expect("the service").live.digest;
        let (replica, _replicated) = replica(&disk, &configuration, folder.path());
        if fails {
            replica.state().running(&name("first")).expect("the service").live.note_opened_elsewhere();
        }
        let report = serde_json::to_vec(&replica.open_circuits()).expect("a report");
        leader.note_open_circuits(&serde_json::from_slice::<Vec<_>>(&report).expect("a report"));
        leader.check_services(&mut BTreeMap::new()).await;
        let live = || leader.service(&name("first")).expect("the service").live.digest;
        assert_eq!(live() != deployed, fails);
        // A report that comes late names a release that does not run any more.
        leader.note_open_circuits(&serde_json::from_slice::<Vec<_>>(&report).expect("a report"));
        let before = live();
        leader.check_services(&mut BTreeMap::new()).await;
        assert_eq!(live(), before);
    }
}
