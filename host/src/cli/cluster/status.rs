//! `switchyard cluster status`: the leader and all hosts, once or repeatedly.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::query::{cluster, report};
use crate::cli::client::documents::{Cluster, ClusterNode};
use crate::cli::client::http;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::cli::output::format::{NOTHING, millis};
use crate::cli::output::print;
use crate::cli::output::watch::{Screen, interrupted};

pub(super) fn once(target: &Target, json: bool) -> Outcome {
    http::runtime()?.block_on(cluster(target, json))?.render(json, text)
}

pub(super) fn watch(target: &Target, json: bool, period: Duration) -> Result<(), Failure> {
    let mut watch = Watch { target, json, screen: Screen::stdout(period, json), has_read: false };
    let shown = async {
        let mut out = std::io::stdout().lock();
        watch.screen.show(&mut out, interrupted(), async || watch.reading().await).await
    };
    http::runtime()?.block_on(shown)
}

struct Watch<'a> {
    target: &'a Target,
    json: bool,
    screen: Screen,
    /// Whether the host has answered before.
    has_read: bool,
}

impl Watch<'_> {
    /// The next text to show. An unreachable host may come back, for example after a restart.
    async fn reading(&mut self) -> Result<String, Failure> {
        match cluster(self.target, self.json).await {
            Ok(answer) if self.json => {
                self.has_read = true;
                Ok(format!("{}\n", answer.text().trim_end()))
            }
            Ok(answer) => {
                self.has_read = true;
                Ok(self.screen.block(&text(&answer.read()?)))
            }
            Err(failure) if failure.kind == Kind::Unreachable && self.has_read => {
                Ok(self.screen.block(&failure.to_string()))
            }
            Err(failure) => Err(failure),
        }
    }
}

/// The cluster for people.
fn text(cluster: &Cluster) -> String {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let lease = match (&cluster.leader, cluster.lease_ms) {
        (None, _) | (_, 0) => NOTHING.into(),
        (Some(_), left) => format!("{} left", millis(left)),
    };
    let mut rows = vec![
        row("cluster", cluster.cluster.clone()),
        row("leader", cluster.leader.clone().unwrap_or_else(|| "no host leads".into())),
        row("epoch", cluster.epoch.to_string()),
        row("lease", lease),
    ];
    if cluster.leader.as_deref() != Some(cluster.answered_by.as_str()) && !cluster.answered_by.is_empty() {
        rows.push(row("seen by", seen_by(cluster)));
    }
    rows.extend(cluster.stream.iter().map(|why| row("stream", why.clone())));
    format!("{}\n\n{}", print::table(&rows, |_| false), nodes(cluster))
}

/// Who says so, when no leader does.
fn seen_by(cluster: &Cluster) -> String {
    let heard = cluster.heard_ms.map(|age| format!(", and heard of one {} ago", millis(age))).unwrap_or_default();
    format!("{}: it has no answer of a leader{heard}", cluster.answered_by)
}

fn nodes(cluster: &Cluster) -> String {
    let heading = ["NODE", "ROLE", "COMMIT", "BEHIND", "LAST REPORT", "VERSION", "ADDRESS", "PROBLEMS"];
    let row = |node: &ClusterNode| {
        let problems = if node.because.is_empty() { NOTHING.into() } else { node.because.join("; ") };
        let ClusterNode { node: name, role, commit, behind, version, address, .. } = node;
        let version = if version.is_empty() { NOTHING.into() } else { version.clone() };
        let (commit, behind, report) = (commit.to_string(), behind.to_string(), report(node));
        [name.clone(), role.clone(), commit, behind, report, version, address.clone(), problems]
    };
    print::list(heading, &cluster.nodes, row, |column| matches!(column, 2 | 3))
}
