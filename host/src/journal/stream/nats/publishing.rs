//! Publishes messages in the order in which they come, and reports their acknowledgements in any order.

use async_nats::jetstream::Context;
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::message::PublishMessage;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;

use crate::fail_point::{Sabotage, is_broken};
use crate::journal::stream::interface::{Done, Publish, PublishError};

/// Runs until the sender of `requests` is dropped.
pub(super) async fn publish_all(context: Context, subject: String, mut requests: mpsc::Receiver<(Publish, Done)>) {
    let mut acknowledgements = FuturesUnordered::new();
    loop {
        tokio::select! {
            request = requests.recv() => {
                let Some((publish, done)) = request else { return };
                let due = publish.after.0.saturating_add(1);
                match send(&context, &subject, publish).await {
                    Ok(acknowledgement) => acknowledgements.push(settle(acknowledgement, due, done)),
                    Err(error) => done(Err(error)),
                }
            }
            Some(()) = acknowledgements.next() => {}
        }
    }
}

async fn send(context: &Context, subject: &str, publish: Publish) -> Result<PublishAckFuture, PublishError> {
    let message = PublishMessage::build().payload(publish.bytes).message_id(&publish.id);
    let message = match is_broken(Sabotage::NoFence) {
        true => message,
        false => message.expected_last_sequence(publish.after.0),
    };
    context.send_publish(subject.to_owned(), message).await.map_err(|error| not_acknowledged(&error))
}

/// Waits for the acknowledgement of the message that must get the number `due`.
async fn settle(acknowledgement: PublishAckFuture, due: u64, done: Done) {
    done(match acknowledgement.await {
        Ok(acknowledgement) if acknowledgement.sequence == due || is_broken(Sabotage::NoFence) => Ok(()),
        Ok(acknowledgement) => {
            Err(PublishError { why: format!("it is message {} instead of {due}", acknowledgement.sequence) })
        }
        Err(error) => Err(not_acknowledged(&error)),
    });
}

fn not_acknowledged(error: &dyn std::error::Error) -> PublishError {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    PublishError { why: format!("{error}{cause}") }
}
