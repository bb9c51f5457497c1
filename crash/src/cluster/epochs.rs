//! The epochs in the stream, read as docs/cluster.md describes it: each has one beginning, and all of its messages are of the
//! host that began it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use futures::StreamExt as _;

use super::plan::CLUSTER;
use crate::report::Violation;

/// Messages of the epoch before that can come behind the beginning of an epoch.
const STRAGGLERS_MAX: usize = 4;

/// The longest time until the next message comes.
const MESSAGE_MAX: Duration = Duration::from_secs(20);

/// What one message says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Message {
    epoch: u64,
    content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Begins(String),
    Leads(String),
    Other,
}

/// The number of epochs, and what is wrong with them.
pub(super) async fn check(server: SocketAddr) -> anyhow::Result<(u64, Vec<Violation>)> {
    let client = async_nats::connect(server.to_string()).await?;
    let stream = async_nats::jetstream::new(client).get_stream(format!("switchyard-{CLUSTER}")).await?;
    let last = stream.get_info().await?.state.last_sequence;
    let consumer = stream.create_consumer(OrderedConfig::default()).await?;
    let (mut messages, mut read) = (consumer.messages().await?, Vec::new());
    loop {
        let message = tokio::time::timeout(MESSAGE_MAX, messages.next()).await?.context("the stream goes on")??;
        let sequence = message.info().map_err(|error| anyhow::anyhow!(error))?.stream_sequence;
        read.push(decode(&message.payload).with_context(|| format!("message {sequence} of the stream"))?);
        if sequence >= last {
            return Ok(of(&read));
        }
    }
}

fn decode(bytes: &[u8]) -> Option<Message> {
    let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let name = |at: usize| {
        let length = u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
        let name = bytes.get(at + 4..at + 4 + usize::try_from(length).ok()?)?;
        Some(String::from_utf8_lossy(name).into_owned())
    };
    let (header, claim) = (72, 16);
    let content = match bytes.strip_prefix(b"SWYS")?.get(1)? {
        1 => Content::Begins(name(header + claim)?),
        4 => Content::Leads(name(header)?),
        _ => Content::Other,
    };
    Some(Message { epoch: number(24)?, content })
}

/// Checks the epochs of all messages, in order.
fn of(messages: &[Message]) -> (u64, Vec<Violation>) {
    let (mut epoch, mut leader, mut stragglers, mut since, mut wrong) = (0, "", 0, 0, Vec::new());
    for Message { epoch: of, content } in messages {
        since += 1;
        match content {
            Content::Begins(name) if *of == epoch + 1 => (epoch, leader, stragglers, since) = (*of, name, 0, 0),
            Content::Begins(name) => {
                wrong.push(format!("{name} begins the epoch {of} after {leader} had begun the epoch {epoch}"));
            }
            _ if *of < epoch => {
                stragglers += 1;
                if stragglers > STRAGGLERS_MAX {
                    wrong.push(format!(
                        "a message of the epoch {of} is {since} messages behind the beginning of {epoch}"
                    ));
                }
            }
            _ if *of > epoch => wrong.push(format!("a message of the epoch {of}, which nobody has begun")),
            Content::Leads(name) if name != leader => {
                wrong.push(format!("{leader} began the epoch {epoch}, and {name} leads in it"));
            }
            Content::Leads(_) | Content::Other => {}
        }
    }
    (epoch, wrong.into_iter().map(Violation::wrong).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(messages: &[(u64, Content)], epochs: u64, wrong: usize) {
        let messages: Vec<_> =
            messages.iter().map(|(epoch, content)| Message { epoch: *epoch, content: content.clone() }).collect();
        let (found, violations) = of(&messages);
        assert_eq!((found, violations.len()), (epochs, wrong), "{messages:?}: {violations:?}");
    }

    #[test]
    fn an_epoch_has_one_beginning_and_one_leader() {
        let (begins, leads) = (|name: &str| Content::Begins(name.into()), |name: &str| Content::Leads(name.into()));
        let other = || Content::Other;
        check(&[(1, begins("a")), (1, other()), (1, leads("a")), (2, begins("b")), (2, leads("b"))], 2, 0);
        check(&[(1, begins("a")), (2, begins("b")), (1, other()), (2, other())], 2, 0);
        check(&[(1, begins("a")), (1, begins("b"))], 1, 1);
        check(&[(1, begins("a")), (1, leads("b"))], 1, 1);
        check(&[(1, begins("a")), (2, other())], 1, 1);
        check(&[(1, begins("a")), (3, begins("b"))], 1, 1);
        let many = [(1, begins("a")), (2, begins("b"))].into_iter().chain((0..5).map(|_| (1, other())));
        check(&many.collect::<Vec<_>>(), 2, 1);
    }
}
