//! The stream on a real NATS server. Without one, which `cargo xtask nats` installs, these tests say so and do nothing.

mod objects;
pub(super) mod server;

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;

use super::{NatsError, NatsStream};
use crate::config::{ClusterSettings, defaults};
use crate::journal::stream::interface::{Publish, PublishError, Stream};
use crate::journal::stream::position::StreamSeq;
use server::NatsServer;

fn settings(server: &NatsServer, name: &str) -> ClusterSettings {
    let cluster = defaults().unwrap().cluster;
    ClusterSettings { servers: vec![server.address()], name: name.into(), replicas: 1, ..cluster }
}

fn open(settings: &ClusterSettings) -> Result<NatsStream, NatsError> {
    NatsStream::open(settings, "a", StreamSeq(0))
}

/// Publishes messages at once, and returns their outcomes in order.
fn publish(stream: &NatsStream, messages: &[(u64, &str)]) -> Vec<Result<(), PublishError>> {
    let outcomes = messages.iter().map(|(after, text)| {
        let (report, outcome) = sync_channel(1);
        let (after, id, bytes) = (StreamSeq(*after), (*text).to_owned(), Bytes::copy_from_slice(text.as_bytes()));
        stream.publish(Publish { after, id, bytes }, Box::new(move |result| report.send(result).unwrap()));
        outcome
    });
    outcomes.collect::<Vec<_>>().into_iter().map(|outcome| outcome.recv().unwrap()).collect()
}

#[test]
fn messages_are_appended_in_order_and_read_again() {
    let Some(server) = NatsServer::start("") else { return };
    let stream = open(&settings(&server, "order")).unwrap();
    assert_eq!(stream.info().unwrap().last, StreamSeq(0));
    let texts = ["zero", "one", "two", "three", "four"];
    let messages: Vec<_> = (0..).zip(texts).collect();
    assert!(publish(&stream, &messages).iter().all(Result::is_ok), "several are in flight");
    let info = stream.info().unwrap();
    assert_eq!((info.first, info.last), (StreamSeq(1), StreamSeq(5)));
    assert_eq!(stream.get(StreamSeq(2)).unwrap().as_deref(), Some(b"one".as_slice()));
    assert_eq!(stream.get(StreamSeq(6)).unwrap(), None);

    // Another host opens the same stream, follows it from the middle, and waits for what comes.
    let other = open(&settings(&server, "order")).unwrap();
    let mut found = other.messages(StreamSeq(3)).unwrap();
    let second = Duration::from_secs(5);
    for (sequence, text) in [(3, "two"), (4, "three"), (5, "four")] {
        assert_eq!(found.next(second).unwrap(), Some((StreamSeq(sequence), Bytes::from_static(text.as_bytes()))));
    }
    assert_eq!(found.next(Duration::from_millis(50)).unwrap(), None);
    assert!(publish(&stream, &[(5, "five")]).iter().all(Result::is_ok));
    assert_eq!(found.next(second).unwrap(), Some((StreamSeq(6), Bytes::from_static(b"five"))));

    stream.purge_through(StreamSeq(4)).unwrap();
    assert_eq!(stream.info().unwrap().first, StreamSeq(5));
    assert_eq!(stream.get(StreamSeq(4)).unwrap(), None);
}

#[test]
fn who_does_not_know_the_end_appends_nothing_and_a_repeated_message_is_there_once() {
    let Some(server) = NatsServer::start("") else { return };
    let stream = open(&settings(&server, "fence")).unwrap();
    assert!(publish(&stream, &[(0, "one"), (1, "two")]).iter().all(Result::is_ok));
    let refused = publish(&stream, &[(1, "other")]).remove(0).unwrap_err();
    assert!(refused.why.contains("wrong last sequence"), "{refused}");
    // The same message again: a server says that it has it, or refuses its place.
    let _either = publish(&stream, &[(1, "two")]);
    assert!(publish(&stream, &[(7, "late")])[0].is_err());
    assert_eq!(stream.info().unwrap().last, StreamSeq(2));
    assert_eq!(stream.get(StreamSeq(2)).unwrap().as_deref(), Some(b"two".as_slice()));
}

#[test]
fn servers_that_go_away_are_an_error_until_they_are_back() {
    let Some(mut server) = NatsServer::start("") else { return };
    let stream = Arc::new(open(&settings(&server, "away")).unwrap());
    assert!(publish(&stream, &[(0, "one")])[0].is_ok());
    server.kill();
    assert!(publish(&stream, &[(1, "two")])[0].is_err());
    assert!(stream.get(StreamSeq(1)).is_err());
    server.start_again();
    // The client connects again by itself.
    let mut attempts = 0;
    while stream.get(StreamSeq(1)).is_err() {
        attempts += 1;
        assert!(attempts < 10, "it does not come back");
    }
    let found = stream.get(StreamSeq(2)).unwrap();
    assert!(found.is_none() || found.as_deref() == Some(b"two"), "{found:?}");
}

/// Deletes the consumers of a stream, as servers do that lose them.
fn lose_consumers(stream: &NatsStream) {
    let (context, name) = (stream.servers.context(), stream.servers.name().to_owned());
    let lose = async move {
        let stream = context.get_stream(name).await.unwrap();
        let consumers: Vec<_> = stream.consumer_names().try_collect().await.unwrap();
        assert!(!consumers.is_empty());
        for consumer in consumers {
            stream.delete_consumer(&consumer).await.unwrap();
        }
    };
    stream.client.wait(lose).unwrap();
}

/// The client opens a lost consumer again, and lets it begin with the first message if it has got none yet.
#[test]
fn a_reader_that_waits_for_the_next_message_never_gets_an_earlier_one() {
    let Some(server) = NatsServer::start("") else { return };
    let stream = open(&settings(&server, "wait")).unwrap();
    assert!(publish(&stream, &[(0, "one"), (1, "two")]).iter().all(Result::is_ok));
    let second = Duration::from_secs(1);
    let mut waiting = stream.messages(StreamSeq(3)).unwrap();
    assert_eq!(waiting.next(second).unwrap(), None);
    lose_consumers(&stream);
    let began = (0..60).find_map(|_| match waiting.next(second) {
        Ok(None) => None,
        Ok(Some((sequence, _))) => panic!("message {}, which it has already", sequence.0),
        Err(error) => Some(error.to_string()),
    });
    let began = began.expect("the client opens its consumer again");
    assert!(began.contains("a new consumer began with message 1, not 3"), "{began}");
    let mut found = stream.messages(StreamSeq(3)).unwrap();
    assert!(publish(&stream, &[(2, "three")])[0].is_ok());
    assert_eq!(found.next(5 * second).unwrap(), Some((StreamSeq(3), Bytes::from_static(b"three"))));
}

/// As while the servers elect who opens consumers. Here it is a right that they lack.
#[test]
fn messages_are_asked_for_by_number_while_no_consumer_opens() {
    const DENIED: &str = "authorization: { users: [\
        { user: host, password: host, permissions: { publish: { deny: \"$JS.API.CONSUMER.>\" } } }] }\n\
        no_auth_user: host";
    let Some(server) = NatsServer::start(DENIED) else { return };
    let stream = open(&settings(&server, "number")).unwrap();
    assert!(publish(&stream, &[(0, "one"), (1, "two"), (2, "three")]).iter().all(Result::is_ok));
    let second = Duration::from_secs(1);
    let mut found = stream.messages(StreamSeq(2)).unwrap();
    assert_eq!(found.next(second).unwrap(), Some((StreamSeq(2), Bytes::from_static(b"two"))));
    assert_eq!(found.next(second).unwrap(), Some((StreamSeq(3), Bytes::from_static(b"three"))));
    assert_eq!(found.next(second).unwrap(), None);
    assert!(publish(&stream, &[(3, "four")])[0].is_ok());
    assert_eq!(found.next(second).unwrap(), Some((StreamSeq(4), Bytes::from_static(b"four"))));
    // A right that they never get is an error in the end.
    let error = (0..2000).find_map(|_| found.next(second).err()).expect("the servers never open a consumer");
    assert!(error.to_string().contains("too long to open a consumer"), "{error}");
    assert_eq!(found.next(second).unwrap(), None, "it still asks");
}

#[test]
fn a_server_that_cannot_store_the_journal_is_refused_with_what_to_change() {
    let refused = |settings: &ClusterSettings| open(settings).unwrap_err().to_string();
    let Some(server) = NatsServer::start("max_payload: 256KB") else { return };
    let said = refused(&settings(&server, "small"));
    assert!(said.contains("accepts messages of 262144 bytes") && said.contains("max_payload"), "{said}");

    let server = NatsServer::start_without_jetstream().unwrap();
    let said = refused(&settings(&server, "none"));
    assert!(said.contains("has no JetStream: start it with `--jetstream`"), "{said}");

    let server = NatsServer::start("").unwrap();
    let three = ClusterSettings { replicas: 3, ..settings(&server, "three") };
    let said = refused(&three);
    assert!(said.contains("cannot store the stream on 3 servers") && said.contains("cluster.replicas"), "{said}");
    open(&settings(&server, "three")).unwrap();
    let said = refused(&three);
    assert!(said.contains("is stored on 1 servers, and `cluster.replicas` is 3"), "{said}");
    let gone = NatsStream::open(&settings(&server, "gone"), "a", StreamSeq(9)).unwrap_err().to_string();
    assert!(gone.contains("switchyard-gone does not exist, and this host has its messages up to 9"), "{gone}");

    let nobody = ClusterSettings { servers: vec!["nats://127.0.0.1:1".into()], ..settings(&server, "nobody") };
    let said = refused(&nobody);
    assert!(said.contains("cannot connect to any NATS server of nats://127.0.0.1:1"), "{said}");
}

#[test]
fn a_full_stream_refuses_messages_and_loses_none_whatever_its_next_limit_is() {
    let Some(server) = NatsServer::start("") else { return };
    let limited = |bytes_max| ClusterSettings { stream_bytes_max: bytes_max, ..settings(&server, "full") };
    let stream = open(&limited(10_000)).unwrap();
    let text = "x".repeat(1000);
    let append = |stream: &NatsStream, after: u64| {
        let message = format!("{after} {text}");
        publish(stream, &[(after, message.as_str())]).remove(0)
    };
    let (mut stored, mut refused) = (0, None);
    while refused.is_none() {
        refused = append(&stream, stored).err();
        stored += u64::from(refused.is_none());
    }
    let why = refused.unwrap().why;
    assert!(stored > 2 && why.contains("maximum bytes exceeded"), "{stored}: {why}");
    let whole = |stream: &NatsStream| {
        let info = stream.info().unwrap();
        assert_eq!((info.first, info.last), (StreamSeq(1), StreamSeq(stored)));
    };
    whole(&stream);
    let refused = open(&limited(2_000)).unwrap_err().to_string();
    assert!(refused.contains("and `cluster.stream_bytes_max` is 2000: raise it"), "{refused}");
    whole(&stream);
    let stream = open(&limited(20_000)).unwrap();
    whole(&stream);
    append(&stream, stored).unwrap();
}

#[test]
fn credentials_are_a_users_file_or_the_seed_of_an_nkey() {
    let user = "authorization: { users: [{ nkey: UBB32IACTCZQPQ2S7XSTLW4O72MROKWW5G6NC7ZU6WSAHDPXHM554JUD }] }";
    let Some(server) = NatsServer::start(user) else { return };
    let folder = tempfile::tempdir().unwrap();
    let with = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        ClusterSettings { credentials_file: Some(path), ..settings(&server, "secret") }
    };
    let seed = "SUAPWQJQIJO4623FRWB2BJRV43KGE7CGBZQWQGJA4MSLAZ6ZMNDI5HVLHE";
    open(&with("seed", &format!("# of the shop\n{seed}\n"))).unwrap();
    let said = open(&settings(&server, "secret")).unwrap_err().to_string();
    assert!(said.contains("check `cluster.servers`, the credentials"), "{said}");
    let said = open(&with("text", "hello")).unwrap_err().to_string();
    assert!(said.contains("has neither a user's JWT and seed"), "{said}");
    let missing = ClusterSettings { credentials_file: Some(folder.path().join("none")), ..settings(&server, "secret") };
    assert!(open(&missing).unwrap_err().to_string().contains("check `cluster.credentials_file`"));
}
