//! Load at fixed times, like real traffic: no request waits for the answer to another, unless all connections are in
//! use.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use anyhow::ensure;
use tokio::time::{Instant, sleep_until};

use crate::load::Connection;

/// Maximum of concurrent requests.
const CONNECTIONS: usize = 64;

/// Sends the requests that `write` creates from `numbers`, at `per_second`, and waits until all are answered. Returns
/// the longest delay of a request.
///
/// An answer outside 200 to 299 is an error.
pub(crate) async fn run(
    address: SocketAddr,
    per_second: u32,
    numbers: Range<u32>,
    write: impl Fn(u32, &mut Vec<u8>) + Clone + Send + 'static,
) -> anyhow::Result<Duration> {
    let (mut open, mut connections) = (Vec::new(), tokio::task::JoinSet::new());
    for _ in 0..CONNECTIONS {
        open.push(Connection::open(address).await?);
    }
    let begin = Instant::now();
    for (position, mut connection) in open.into_iter().enumerate() {
        let (write, first) = (write.clone(), numbers.start);
        let own = numbers.clone().skip(position).step_by(CONNECTIONS);
        connections.spawn(async move {
            let (mut bytes, mut behind) = (Vec::new(), Duration::ZERO);
            for number in own {
                write(number, &mut bytes);
                let due = begin + Duration::from_secs_f64(f64::from(number - first) / f64::from(per_second));
                sleep_until(due).await;
                behind = behind.max(due.elapsed());
                let answer = connection.send(&bytes).await?;
                let text = String::from_utf8_lossy(answer.body);
                ensure!((200..300).contains(&answer.status), "request {number}: {} {text}", answer.status);
            }
            Ok(behind)
        });
    }
    let mut behind = Duration::ZERO;
    while let Some(ended) = connections.join_next().await {
        behind = behind.max(ended??);
    }
    Ok(behind)
}
