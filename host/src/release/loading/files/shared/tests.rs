//! Files of a cluster: what one node stores, every node has.

use super::super::{FileError, FileKind, Files};
use super::*;
use crate::journal::simulated::SimulatedDisk;
use crate::journal::stream::simulated::SimulatedStream;

fn files(disk: &SimulatedDisk, stream: &SimulatedStream, kind: FileKind) -> Files {
    Files::open(disk.as_disk(), None, Some(stream.as_stream().objects()), kind).unwrap()
}

fn components(disk: &SimulatedDisk, stream: &SimulatedStream) -> Files {
    files(disk, stream, FileKind::Component)
}

fn names(stream: &SimulatedStream) -> Vec<String> {
    stream.stored_objects().into_keys().collect()
}

#[test]
fn a_node_gets_a_file_that_it_lacks_from_the_object_store_and_has_it_from_then_on() {
    let (stream, bytes) = (SimulatedStream::new(1), b"component".as_slice());
    let digest = Digest::of(bytes);
    components(&SimulatedDisk::new(1), &stream).put(&digest, bytes).unwrap();
    assert_eq!(names(&stream), [FileKind::Component.path(&digest)]);

    let disk = SimulatedDisk::new(2);
    let second = components(&disk, &stream);
    assert!(!second.has(&digest));
    assert_eq!(second.get_checked(&digest).unwrap(), bytes);
    stream.answer_objects(Some(0));
    let again = components(&disk.after_power_loss(), &stream);
    assert!(again.has(&digest), "it is durable");
    assert_eq!(again.get(&digest).unwrap(), bytes);
    assert_eq!(again.missing(&digest), None);
}

#[test]
fn contracts_travel_with_the_digest_of_their_texts() {
    let stream = SimulatedStream::new(1);
    let sources = Sources::of_files(vec![("a/a.wit".into(), "package a:a;".into())]);
    let (digest, text) = (sources.digest(), serde_json::to_vec(&sources).unwrap());
    files(&SimulatedDisk::new(1), &stream, FileKind::Contracts).put(&digest, &text).unwrap();
    let second = files(&SimulatedDisk::new(2), &stream, FileKind::Contracts);
    assert_eq!(second.get(&digest).unwrap(), text);
}

#[test]
fn a_file_that_the_object_store_does_not_take_is_an_error_until_it_does() {
    let (stream, bytes) = (SimulatedStream::new(1), b"component".as_slice());
    let (digest, disk) = (Digest::of(bytes), SimulatedDisk::new(1));
    // The second answer is that of the file itself.
    for answered in 0..2 {
        stream.answer_objects(Some(answered));
        let error = components(&disk, &stream).put(&digest, bytes).unwrap_err();
        assert!(matches!(error, FileError::Share { .. }), "{error}");
        assert!(error.to_string().contains("check the NATS servers"), "{error}");
        assert_eq!(names(&stream), [""; 0]);
    }
    stream.answer_objects(None);
    components(&disk, &stream).put(&digest, bytes).unwrap();
    assert_eq!(names(&stream).len(), 1);
}

#[test]
fn a_missing_or_damaged_object_is_not_taken_and_the_error_says_what_to_do() {
    let (stream, bytes) = (SimulatedStream::new(1), b"component".as_slice());
    let (digest, disk) = (Digest::of(bytes), SimulatedDisk::new(2));
    let second = components(&disk, &stream);
    let error = second.get(&digest).unwrap_err();
    assert!(matches!(error, FileError::Nowhere { .. }), "{error}");
    components(&SimulatedDisk::new(1), &stream).put(&digest, bytes).unwrap();
    stream.damage_objects(|objects| objects.values_mut().for_each(|object| *object = Bytes::from_static(b"other")));
    for error in [second.get(&digest).unwrap_err(), second.get_checked(&digest).unwrap_err()] {
        assert!(matches!(error, FileError::DamagedObject { .. }), "{error}");
        assert!(error.to_string().contains("from another node"), "{error}");
    }
    assert!(!second.has(&digest));
    assert_eq!(second.missing(&digest), Some(disk.as_disk().full(&FileKind::Component.path(&digest))));
    stream.answer_objects(Some(0));
    let error = second.get(&digest).unwrap_err();
    assert!(matches!(error, FileError::Fetch { .. }), "{error}");
}

#[test]
fn the_leader_adds_what_releases_need_and_deletes_what_none_needs() {
    let (stream, disk) = (SimulatedStream::new(1), SimulatedDisk::new(1));
    let [before, old, other] = [b"before".as_slice(), b"old", b"other"];
    let digest = Digest::of;
    // From before the cluster.
    Files::open(disk.as_disk(), None, None, FileKind::Component).unwrap().put(&digest(before), before).unwrap();
    let files = components(&disk, &stream);
    files.put(&digest(old), old).unwrap();
    stream.damage_objects(|objects| drop(objects.insert("contracts/one.json".into(), Bytes::new())));
    let needed = BTreeSet::from([digest(before), digest(other)]);
    stream.answer_objects(Some(0));
    files.keep_shared(&needed);
    stream.answer_objects(None);
    files.keep_shared(&needed);
    assert_eq!(names(&stream), [FileKind::Component.path(&digest(before)), "contracts/one.json".into()]);
}
