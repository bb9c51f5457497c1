//! The object store of a cluster: a bucket of JetStream, in the format of its other clients.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use async_nats::jetstream::Context;
use async_nats::jetstream::object_store::{GetErrorKind, InfoErrorKind, ObjectStore};
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType, Stream};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use tokio::io::AsyncReadExt as _;

use super::client::Client;
use super::connect::ANSWER_MAX;
use super::error::NatsError;
use super::open::{open_or_create, stream_name};
use crate::config::ClusterSettings;
use crate::journal::stream::error::StreamError;
use crate::journal::stream::objects::Objects;

/// Bytes that are made ready for each part of an object: the size of the parts that the client sends.
const PART_BYTES: usize = 128 << 10;

/// The bucket, and the stream that it consists of.
#[derive(Clone)]
pub(super) struct Bucket {
    name: String,
    store: ObjectStore,
    stream: Stream,
}

impl Bucket {
    /// Opens the bucket of the cluster; creates it if it is missing.
    pub(super) async fn open(context: &Context, settings: &ClusterSettings) -> Result<Self, NatsError> {
        let name = stream_name(&settings.name);
        let config = Config {
            name: format!("OBJ_{name}"),
            description: Some("the files of a switchyard cluster: only its leader may change them".to_owned()),
            subjects: vec![format!("$O.{name}.C.>"), format!("$O.{name}.M.>")],
            discard: DiscardPolicy::New,
            storage: StorageType::File,
            num_replicas: settings.replicas,
            allow_rollup: true,
            // Every node must see an object at once: the servers that only follow may not have it yet.
            allow_direct: false,
            ..Config::default()
        };
        let stream = open_or_create(context, settings, config).await?;
        let failed = |why: String| NatsError::Stream { stream: format!("OBJ_{name}"), why };
        let store = context.get_object_store(&name).await.map_err(|error| failed(error.to_string()))?;
        Ok(Self { name, store, stream })
    }

    /// The messages that all objects consist of.
    #[cfg(test)]
    pub(super) async fn messages(&self) -> u64 {
        self.stream.get_info().await.unwrap().state.messages
    }

    async fn get(&self, name: &str) -> Result<Option<Bytes>, StreamError> {
        let mut object = match self.store.get(name).await {
            Ok(object) => object,
            Err(error) if error.kind() == GetErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StreamError::unavailable(error)),
        };
        let mut bytes = BytesMut::new();
        loop {
            bytes.reserve(PART_BYTES);
            // Of an object that is deleted meanwhile, the rest never comes.
            let read = tokio::time::timeout(ANSWER_MAX, object.read_buf(&mut bytes)).await;
            let read = read.map_err(|_| StreamError::unavailable(format!("a part of {name} does not come")))?;
            if read.map_err(StreamError::unavailable)? == 0 {
                return Ok(Some(bytes.freeze()));
            }
        }
    }

    async fn names(&self, prefix: &str) -> Result<BTreeSet<String>, StreamError> {
        let mut list = self.store.list().await.map_err(StreamError::unavailable)?;
        let mut names = BTreeSet::new();
        loop {
            let next = tokio::time::timeout(ANSWER_MAX, list.next()).await;
            match next.map_err(|_| StreamError::unavailable("the list of objects does not end"))? {
                None => return Ok(names),
                Some(Err(error)) => return Err(StreamError::unavailable(error)),
                Some(Ok(object)) if object.name.starts_with(prefix) => drop(names.insert(object.name)),
                Some(Ok(_)) => {}
            }
        }
    }

    async fn delete(&self, name: &str) -> Result<(), StreamError> {
        let object = match self.store.info(name).await {
            Ok(object) => object,
            Err(error) if error.kind() == InfoErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(StreamError::unavailable(error)),
        };
        // First the description, so that the object is never there without its content. The client's own `delete` would keep
        // a description for good.
        let subjects = [format!("M.{}", URL_SAFE.encode(name)), format!("C.{}", object.nuid)];
        for subject in subjects {
            let subject = format!("$O.{}.{subject}", self.name);
            self.stream.purge().filter(subject).await.map_err(StreamError::unavailable)?;
        }
        Ok(())
    }
}

/// A bucket, and the thread that its client runs in.
pub(super) struct NatsObjects {
    client: Arc<Client>,
    bucket: Bucket,
}

impl NatsObjects {
    pub(super) fn new(client: Arc<Client>, bucket: Bucket) -> Self {
        Self { client, bucket }
    }
}

impl fmt::Debug for NatsObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsObjects").field("bucket", &self.bucket.name).finish_non_exhaustive()
    }
}

impl Objects for NatsObjects {
    fn put(&self, name: &str, bytes: &Bytes) -> Result<(), StreamError> {
        let (bucket, name, bytes) = (self.bucket.clone(), name.to_owned(), bytes.clone());
        let put = async move { bucket.store.put(name.as_str(), &mut &*bytes).await };
        self.client.wait(put)?.map(drop).map_err(StreamError::unavailable)
    }

    fn has(&self, name: &str) -> Result<bool, StreamError> {
        let (bucket, name) = (self.bucket.clone(), name.to_owned());
        match self.client.wait(async move { bucket.store.info(name).await })? {
            Ok(object) => Ok(!object.deleted),
            Err(error) if error.kind() == InfoErrorKind::NotFound => Ok(false),
            Err(error) => Err(StreamError::unavailable(error)),
        }
    }

    fn get(&self, name: &str) -> Result<Option<Bytes>, StreamError> {
        let (bucket, name) = (self.bucket.clone(), name.to_owned());
        self.client.wait(async move { bucket.get(&name).await })?
    }

    fn names(&self, prefix: &str) -> Result<BTreeSet<String>, StreamError> {
        let (bucket, prefix) = (self.bucket.clone(), prefix.to_owned());
        self.client.wait(async move { bucket.names(&prefix).await })?
    }

    fn delete(&self, name: &str) -> Result<(), StreamError> {
        let (bucket, name) = (self.bucket.clone(), name.to_owned());
        self.client.wait(async move { bucket.delete(&name).await })?
    }
}
