//! Connects to the NATS servers of a cluster.

use std::path::Path;
use std::time::Duration;

use async_nats::jetstream::context::AccountErrorKind;
use async_nats::jetstream::{Context, ContextBuilder, ErrorCode};
use async_nats::{Client, ConnectOptions, Event};

use super::check::{ServerFacts, check};
use super::error::NatsError;
use crate::config::ClusterSettings;
use crate::journal::stream::error::StreamError;

/// How long a server may take to accept a connection, and to answer a question.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(5);

/// How long a server may take to acknowledge a message. Longer than it takes to write it to a slow disk, and short enough
/// that the leader soon looks what became of it.
const ACKNOWLEDGE_MAX: Duration = Duration::from_secs(2);

/// The line that only a file with a user's JWT has.
const JWT_LINE: &str = "BEGIN NATS USER JWT";
/// What the seed of a user's nkey begins with.
const SEED_PREFIX: &str = "SU";

/// Connects, and checks that the server can store the journal.
pub(super) async fn connect(settings: &ClusterSettings, node: &str) -> Result<Context, NatsError> {
    let client = options(settings, node)?.connect(settings.servers.clone()).await;
    let client = client.map_err(|source| NatsError::Connect { servers: settings.servers.clone(), source })?;
    check(&facts(&client))?;
    let context = ContextBuilder::new().timeout(ANSWER_MAX).ack_timeout(ACKNOWLEDGE_MAX).build(client);
    match context.query_account().await.map_err(|error| error.kind()) {
        Ok(_) => Ok(context),
        Err(kind) if is_temporary(&kind) => Err(StreamError::unavailable(kind).into()),
        Err(_) => Err(NatsError::NoJetStreamInAccount { server: server_name(&context.client()) }),
    }
}

/// Whether the servers may answer later: they have no leader yet.
fn is_temporary(kind: &AccountErrorKind) -> bool {
    match kind {
        AccountErrorKind::TimedOut => true,
        AccountErrorKind::JetStream(error) => error.error_code() == ErrorCode::CLUSTER_NOT_AVAILABLE,
        _ => false,
    }
}

fn options(settings: &ClusterSettings, node: &str) -> Result<ConnectOptions, NatsError> {
    let mut options = match &settings.credentials_file {
        Some(path) => with_credentials(path)?,
        None => ConnectOptions::new(),
    };
    if let Some(ca) = &settings.tls_ca {
        options = options.add_root_certificates(ca.clone());
    }
    if let (Some(certificate), Some(key)) = (&settings.tls_certificate, &settings.tls_key) {
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    Ok(options
        .name(format!("switchyard {node}"))
        .connection_timeout(ANSWER_MAX)
        .request_timeout(Some(ANSWER_MAX))
        .event_callback(|event| async move { report(&event) }))
}

fn with_credentials(path: &Path) -> Result<ConnectOptions, NatsError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| NatsError::CredentialsFile { path: path.to_owned(), source })?;
    let wrong = || NatsError::Credentials { path: path.to_owned() };
    if text.contains(JWT_LINE) {
        return ConnectOptions::with_credentials(&text).map_err(|_| wrong());
    }
    let seed = text.lines().map(str::trim).find(|line| line.starts_with(SEED_PREFIX)).ok_or_else(wrong)?;
    Ok(ConnectOptions::with_nkey(seed.to_owned()))
}

fn report(event: &Event) {
    match event {
        Event::Connected => tracing::info!("connected to a NATS server"),
        Event::Disconnected => tracing::warn!("the connection to the NATS server is lost; the host connects again"),
        event => tracing::warn!(%event, "the NATS client reports an event"),
    }
}

pub(super) fn server_name(client: &Client) -> String {
    client.server_info().server_name
}

fn facts(client: &Client) -> ServerFacts {
    let info = client.server_info();
    ServerFacts {
        name: info.server_name,
        version: info.version,
        has_jetstream: info.jetstream,
        payload_bytes_max: info.max_payload,
    }
}
