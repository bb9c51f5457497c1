//! Implementations that export or import wrongly are stopped.

use super::*;
use crate::observe::error_chain;

async fn fails(source: Fault, target: Fault) -> String {
    let host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(200)).await;
    let mut mirror = host.mirror(source, target);
    let mut ended = complete(&mut mirror).await;
    if ended.is_ok() {
        host.write(&[("0100".into(), None), ("0101".into(), Some("later".into()))]).await;
        ended = complete(&mut mirror).await;
    }
    error_chain(&ended.unwrap_err())
}

#[tokio::test]
async fn a_wrong_importer_is_stopped_with_the_entity_and_the_field() {
    let check = async |fault, expected: &str| {
        let error = fails(Fault::None, fault).await;
        assert!(error.contains(expected), "{fault:?}: {error}");
    };
    check(Fault::Cuts, "\"0000\" is not the same after its import: the value is a text of 3 characters").await;
    check(Fault::Swaps, "\"0000\" is not the same after its import").await;
    check(Fault::IgnoresRemovals, "\"0100\" was removed, and the export afterwards still has it").await;
    check(Fault::DamagesTheFirst, "\"0000\" is not the same after its import").await;
    check(Fault::Refuses, "refuses the state: not mine").await;
}

#[tokio::test]
async fn a_wrong_exporter_is_stopped() {
    let check = async |source, target, expected: &str| {
        let error = fails(source, target).await;
        assert!(error.contains(expected), "{source:?} {target:?}: {error}");
    };
    check(Fault::Repeats, Fault::None, "in the order of their keys, each once").await;
    check(Fault::Descends, Fault::None, "in the order of their keys, each once").await;
    check(Fault::NeverEnds, Fault::None, "in the order of their keys, each once").await;
    // What an export leaves out at the borders of pages is in pages of another size.
    check(Fault::SkipsTheFirst, Fault::None, "exports the entity \"0008\" in pages of one size, and leaves it out")
        .await;
    check(Fault::EndsBeforeUntil, Fault::None, "exports the entity \"0063\" in pages of one size").await;
    check(Fault::None, Fault::Skips, "\"0007\" was imported, and the export afterwards does not have it").await;
    check(Fault::None, Fault::Repeats, "in the order of their keys, each once").await;
}

#[tokio::test]
async fn an_export_that_gives_more_entities_than_its_data_has_bytes_is_stopped() {
    let host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(200)).await;
    let mut mirror = host.mirror(Fault::GrowsWithoutEnd, Fault::None);
    let error = complete(&mut mirror).await.unwrap_err().to_string();
    assert!(error.contains("its export does not end"), "{error}");
}
