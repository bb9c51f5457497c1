//! Finds the stream of a cluster, or creates it.

use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{Context, ErrorCode};

use super::connect::server_name;
use super::error::NatsError;
use crate::config::ClusterSettings;
use crate::journal::stream::message::MESSAGE_BYTES_MAX;
use crate::journal::stream::position::StreamSeq;

/// The name of the stream of the cluster `name`.
pub(super) fn stream_name(name: &str) -> String {
    format!("switchyard-{name}")
}

/// The subject that its messages are published to.
pub(super) fn subject(name: &str) -> String {
    format!("switchyard.{name}.journal")
}

/// The codes with which servers refuse a stream because there are too few of them.
const TOO_FEW_SERVERS: [ErrorCode; 4] = [
    ErrorCode::CLUSTER_NO_PEERS,
    ErrorCode::INSUFFICIENT_RESOURCES,
    ErrorCode::STORAGE_RESOURCES_EXCEEDED,
    ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED,
];

/// Opens the stream; creates it if this node has none of its messages, and there was no object store beside it.
pub(super) async fn open(
    context: &Context,
    settings: &ClusterSettings,
    has: StreamSeq,
    had_objects: bool,
) -> Result<Stream, NatsError> {
    let name = stream_name(&settings.name);
    let failed = |why: String| NatsError::Stream { stream: name.clone(), why };
    let stream = match context.get_stream(&name).await {
        Ok(stream) => stream,
        Err(error) if !is_not_found(&error.kind()) => return Err(failed(error.to_string())),
        Err(_) if has.0 > 0 => return Err(NatsError::Gone { stream: name, last: has.0 }),
        Err(_) if had_objects => return Err(NatsError::OnlyObjects { stream: name }),
        // Another node may create it at the same time, in the same way: then this returns that one.
        Err(_) => create(context, settings, config(settings)).await?,
    };
    with_limit(context, check_replicas(stream, settings)?, settings).await
}

/// Gives an existing stream the limit of the settings.
async fn with_limit(context: &Context, stream: Stream, settings: &ClusterSettings) -> Result<Stream, NatsError> {
    let (info, bytes_max) = (stream.cached_info(), limit(settings));
    let (name, bytes) = (info.config.name.clone(), info.state.bytes);
    if info.config.max_bytes == bytes_max {
        return Ok(stream);
    }
    // A lower limit is never given to a stream that is larger: whatever a server does then, no message may go.
    if bytes > settings.stream_bytes_max {
        return Err(NatsError::TooLarge { stream: name, bytes, bytes_max: settings.stream_bytes_max });
    }
    let config = Config { max_bytes: bytes_max, ..info.config.clone() };
    let failed = |why: String| NatsError::Stream { stream: name.clone(), why };
    context.update_stream(config).await.map_err(|error| failed(error.to_string()))?;
    tracing::info!(
        stream = name,
        before = info.config.max_bytes,
        bytes_max,
        "the stream of the cluster has another limit"
    );
    Ok(stream)
}

fn limit(settings: &ClusterSettings) -> i64 {
    i64::try_from(settings.stream_bytes_max).unwrap_or(i64::MAX)
}

/// Opens the stream that `config` describes; creates it if it is missing.
pub(super) async fn open_or_create(
    context: &Context,
    settings: &ClusterSettings,
    config: Config,
) -> Result<Stream, NatsError> {
    let stream = match context.get_stream(&config.name).await {
        Ok(stream) => stream,
        Err(error) if !is_not_found(&error.kind()) => {
            return Err(NatsError::Stream { stream: config.name, why: error.to_string() });
        }
        Err(_) => create(context, settings, config).await?,
    };
    check_replicas(stream, settings)
}

async fn create(context: &Context, settings: &ClusterSettings, config: Config) -> Result<Stream, NatsError> {
    let name = config.name.clone();
    context.create_stream(config).await.map_err(|error| match error.kind() {
        CreateStreamErrorKind::JetStream(why) if TOO_FEW_SERVERS.contains(&why.error_code()) => {
            let (server, replicas) = (server_name(&context.client()), settings.replicas);
            NatsError::TooFewServers { server, replicas, why: why.to_string() }
        }
        _ => NatsError::Stream { stream: name, why: error.to_string() },
    })
}

fn check_replicas(stream: Stream, settings: &ClusterSettings) -> Result<Stream, NatsError> {
    let config = &stream.cached_info().config;
    if config.num_replicas != settings.replicas {
        let (stream, found) = (config.name.clone(), config.num_replicas);
        return Err(NatsError::OtherReplicas { stream, found, replicas: settings.replicas });
    }
    Ok(stream)
}

pub(super) fn is_not_found(kind: &GetStreamErrorKind) -> bool {
    matches!(kind, GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

pub(super) fn config(settings: &ClusterSettings) -> Config {
    Config {
        name: stream_name(&settings.name),
        description: Some("the journal of a switchyard cluster: only its leader may publish".to_owned()),
        subjects: vec![subject(&settings.name)],
        retention: RetentionPolicy::Limits,
        // A full stream refuses new messages: the old ones are the data.
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        num_replicas: settings.replicas,
        max_bytes: limit(settings),
        max_message_size: i32::try_from(MESSAGE_BYTES_MAX + 512).unwrap_or(i32::MAX),
        deny_delete: true,
        ..Config::default()
    }
}
