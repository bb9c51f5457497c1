//! The object store on a real NATS server.

use super::super::objects::Bucket;
use super::*;
use crate::journal::stream::objects::Objects;

fn names(objects: &dyn Objects, prefix: &str) -> Vec<String> {
    objects.names(prefix).unwrap().into_iter().collect()
}

#[test]
fn objects_are_stored_read_listed_and_deleted_by_every_host() {
    let Some(server) = NatsServer::start("") else { return };
    let settings = settings(&server, "objects");
    let (stream, other) = (open(&settings).unwrap(), open(&settings).unwrap());
    let (objects, others) = (stream.objects(), other.objects());
    assert_eq!(names(&*objects, ""), [""; 0]);
    // Several parts, the last of which is shorter.
    let large = Bytes::from((0..1_000_003_u32).map(|at| (at % 251) as u8).collect::<Vec<_>>());
    let contents = [("components/a.wasm", large), ("components/b.wasm", Bytes::new()), ("copies/1/x", "x".into())];
    for (name, bytes) in &contents {
        assert!(!others.has(name).unwrap());
        objects.put(name, bytes).unwrap();
        assert!(others.has(name).unwrap());
        assert_eq!(others.get(name).unwrap().as_ref(), Some(bytes), "{name}");
    }
    assert_eq!(names(&*others, "components/"), ["components/a.wasm", "components/b.wasm"]);
    assert_eq!(names(&*others, "").len(), 3);
    objects.put("copies/1/x", &Bytes::from_static(b"new")).unwrap();
    assert_eq!(others.get("copies/1/x").unwrap().as_deref(), Some(b"new".as_slice()));

    for (name, _) in &contents {
        others.delete(name).unwrap();
        others.delete(name).unwrap();
        assert!(!objects.has(name).unwrap());
        assert_eq!(objects.get(name).unwrap(), None);
    }
    assert_eq!(names(&*objects, ""), [""; 0]);
    // Nothing of them is left in the stream that they were in.
    let bucket = stream.client.wait(async move { stream.bucket.unwrap().messages().await }).unwrap();
    assert_eq!(bucket, 0);
}

#[test]
fn an_object_store_without_servers_is_an_error_until_they_are_back() {
    let Some(mut server) = NatsServer::start("") else { return };
    let stream = open(&settings(&server, "gone")).unwrap();
    let objects = stream.objects();
    objects.put("a", &Bytes::from_static(b"one")).unwrap();
    server.kill();
    assert!(objects.get("a").is_err());
    assert!(objects.put("b", &Bytes::from_static(b"two")).is_err());
    assert!(objects.names("").is_err());
    server.start_again();
    let mut attempts = 0;
    while objects.get("a").is_err() {
        attempts += 1;
        assert!(attempts < 10, "it does not come back");
    }
    assert_eq!(objects.get("a").unwrap().as_deref(), Some(b"one".as_slice()));
}

#[test]
fn what_a_failed_upload_left_is_deleted_when_it_is_old_and_nothing_else_is() {
    let Some(server) = NatsServer::start("") else { return };
    let stream = open(&settings(&server, "sweep")).unwrap();
    let objects = stream.objects();
    objects.put("a", &Bytes::from_static(b"one")).unwrap();
    let (context, bucket) = (stream.servers.context(), stream.bucket.clone().unwrap());
    let left = async move {
        let sent = context.publish("$O.switchyard-sweep.C.left", Bytes::from_static(b"a part")).await.unwrap();
        sent.await.unwrap();
    };
    stream.client.wait(left).unwrap();
    let messages = |bucket: &Bucket| {
        let bucket = bucket.clone();
        stream.client.wait(async move { bucket.messages().await }).unwrap()
    };
    assert_eq!(messages(&bucket), 3);
    objects.sweep().unwrap();
    assert_eq!(messages(&bucket), 3, "the upload may still go on");
    let swept = bucket.clone();
    stream.client.wait(async move { swept.sweep(Duration::ZERO).await }).unwrap().unwrap();
    assert_eq!(messages(&bucket), 2);
    assert_eq!(objects.get("a").unwrap().as_deref(), Some(b"one".as_slice()));
}
