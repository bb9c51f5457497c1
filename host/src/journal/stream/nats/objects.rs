//! The object store of a cluster: a bucket of JetStream, in the format of its other clients.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::object_store::{GetErrorKind, InfoErrorKind, ObjectStore};
use async_nats::jetstream::stream::{Config, DiscardPolicy, LastRawMessageErrorKind, StorageType, Stream};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::io::AsyncReadExt as _;

use super::client::Client;
use super::connect::ANSWER_MAX;
use super::error::NatsError;
use super::open::{is_not_found, open_or_create, stream_name};
use crate::clock;
use crate::config::ClusterSettings;
use crate::journal::stream::error::StreamError;
use crate::journal::stream::objects::Objects;

/// Bytes that are made ready for each part of an object: the size of the parts that the client sends.
const PART_BYTES: usize = 128 << 10;

/// The age at which parts without a description are those of an upload that failed: the slowest one takes minutes, and a client
/// that was cut off sends nothing of it later than that.
const UNFINISHED_MAX: Duration = Duration::from_hours(24);

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

    /// The bucket of the cluster, if there is one.
    pub(super) async fn find(context: &Context, settings: &ClusterSettings) -> Result<Option<Self>, NatsError> {
        let name = stream_name(&settings.name);
        let bucket = format!("OBJ_{name}");
        let failed = |why: String| NatsError::Stream { stream: bucket.clone(), why };
        let stream = match context.get_stream(&bucket).await {
            Ok(stream) => stream,
            Err(error) if is_not_found(&error.kind()) => return Ok(None),
            Err(error) => return Err(failed(error.to_string())),
        };
        let store = context.get_object_store(&name).await.map_err(|error| failed(error.to_string()))?;
        Ok(Some(Self { name, store, stream }))
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

    /// Deletes parts that no description names, and that are older than `age_min`.
    pub(super) async fn sweep(&self, age_min: Duration) -> Result<(), StreamError> {
        let prefix = format!("$O.{}.C.", self.name);
        let subjects = self.stream.info_with_subjects(format!("{prefix}>")).await.map_err(StreamError::unavailable)?;
        let subjects: Vec<_> =
            subjects.map_ok(|(subject, _)| subject).try_collect().await.map_err(StreamError::unavailable)?;
        // Listed after the parts: the description of each of them that was complete is there.
        let list = self.store.list().await.map_err(StreamError::unavailable)?;
        let named: BTreeSet<_> = list
            .map_ok(|object| format!("{prefix}{}", object.nuid))
            .try_collect()
            .await
            .map_err(StreamError::unavailable)?;
        for subject in subjects.into_iter().filter(|subject| !named.contains(subject)) {
            let last = match self.stream.get_last_raw_message_by_subject(&subject).await {
                Ok(last) => last,
                Err(error) if matches!(error.kind(), LastRawMessageErrorKind::NoMessageFound) => continue,
                Err(error) => return Err(StreamError::unavailable(error)),
            };
            let sent = u64::try_from(last.time.unix_timestamp_nanos() / 1000).unwrap_or(0);
            if u128::from(clock::unix_micros().saturating_sub(sent)) >= age_min.as_micros() {
                self.stream.purge().filter(&subject).await.map_err(StreamError::unavailable)?;
                tracing::info!(subject, "the parts of an upload that failed were deleted from the object store");
            }
        }
        Ok(())
    }
}

/// A bucket, if there is one, and the thread that its client runs in.
pub(super) struct NatsObjects {
    client: Arc<Client>,
    bucket: Option<Bucket>,
}

impl NatsObjects {
    pub(super) fn new(client: Arc<Client>, bucket: Option<Bucket>) -> Self {
        Self { client, bucket }
    }

    fn bucket(&self) -> Result<Bucket, StreamError> {
        self.bucket.clone().ok_or(StreamError::Missing)
    }
}

impl fmt::Debug for NatsObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsObjects")
            .field("bucket", &self.bucket.as_ref().map(|bucket| &bucket.name))
            .finish_non_exhaustive()
    }
}

impl Objects for NatsObjects {
    fn put(&self, name: &str, bytes: &Bytes) -> Result<(), StreamError> {
        let (bucket, name, bytes) = (self.bucket()?, name.to_owned(), bytes.clone());
        let put = async move { bucket.store.put(name.as_str(), &mut &*bytes).await };
        self.client.wait(put)?.map(drop).map_err(StreamError::unavailable)
    }

    fn has(&self, name: &str) -> Result<bool, StreamError> {
        let (bucket, name) = (self.bucket()?, name.to_owned());
        match self.client.wait(async move { bucket.store.info(name).await })? {
            Ok(object) => Ok(!object.deleted),
            Err(error) if error.kind() == InfoErrorKind::NotFound => Ok(false),
            Err(error) => Err(StreamError::unavailable(error)),
        }
    }

    fn get(&self, name: &str) -> Result<Option<Bytes>, StreamError> {
        let (bucket, name) = (self.bucket()?, name.to_owned());
        self.client.wait(async move { bucket.get(&name).await })?
    }

    fn names(&self, prefix: &str) -> Result<BTreeSet<String>, StreamError> {
        let (bucket, prefix) = (self.bucket()?, prefix.to_owned());
        self.client.wait(async move { bucket.names(&prefix).await })?
    }

    fn delete(&self, name: &str) -> Result<(), StreamError> {
        let (bucket, name) = (self.bucket()?, name.to_owned());
        self.client.wait(async move { bucket.delete(&name).await })?
    }

    fn sweep(&self) -> Result<(), StreamError> {
        let bucket = self.bucket()?;
        self.client.wait(async move { bucket.sweep(UNFINISHED_MAX).await })?
    }
}
