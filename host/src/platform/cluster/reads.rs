//! When a node that follows may answer a read itself, by the setting `cluster.reads`.
//!
//! Invariant: a linearizable read runs on data that has every commit that was acknowledged before the read began: the node
//! asks the leader for its number after that, and waits until it has applied it.

use std::sync::Arc;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use tokio::sync::{mpsc, oneshot};

use super::forward::Forwarder;
use super::roles::Roles;
use crate::clock;
use crate::config::Reads;
use crate::fail_point::{Sabotage, is_broken};
use crate::names::CommitSeq;

/// In a cluster with `reads = "session"`: the last commit that an answer has seen. A client sends back the highest one.
pub(super) const COMMIT: HeaderName = HeaderName::from_static("switchyard-commit");

/// Reads that one question to the leader is for. Others wait for the next one.
const QUESTIONS_MAX: usize = 1024;

/// How long a read waits for its number. Then the leader answers it.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Decides for each read.
#[derive(Debug)]
pub(super) struct ReadGate {
    reads: Reads,
    stale_max: Duration,
    roles: Arc<Roles>,
    forwarder: Arc<Forwarder>,
    questions: mpsc::Sender<oneshot::Sender<CommitSeq>>,
}

/// The reads that wait for a number of the leader.
pub(super) type Questions = mpsc::Receiver<oneshot::Sender<CommitSeq>>;

impl ReadGate {
    pub(super) fn new(
        reads: Reads,
        stale_max: Duration,
        roles: &Arc<Roles>,
        forwarder: &Arc<Forwarder>,
    ) -> (Arc<Self>, Questions) {
        let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
        let (roles, forwarder) = (Arc::clone(roles), Arc::clone(forwarder));
        (Arc::new(Self { reads, stale_max, roles, forwarder, questions }), asked)
    }

    /// Waits until this node may answer a read with these headers; false if the leader has to.
    pub(super) async fn may_read(&self, headers: &HeaderMap) -> bool {
        let ready = async {
            match self.reads {
                Reads::Linearizable if is_broken(Sabotage::ReadsWithoutNumber) => true,
                Reads::Linearizable => match self.leader_number().await {
                    Some(number) => self.applied(number).await,
                    None => false,
                },
                Reads::Session => self.applied(seen(headers)).await,
                Reads::Stale => {
                    let view = self.roles.view();
                    view.is_current && view.heard.is_some_and(|heard| clock::elapsed(heard) <= self.stale_max)
                }
            }
        };
        tokio::time::timeout(WAIT_MAX, ready).await.unwrap_or(false)
    }

    /// Adds the number of the last commit to an answer, if clients send it back.
    pub(super) fn mark(&self, headers: &mut HeaderMap) {
        if let (Reads::Session, Some(stores)) = (self.reads, self.roles.stores()) {
            headers.insert(COMMIT, HeaderValue::from(stores.durable().0));
        }
    }

    async fn leader_number(&self) -> Option<CommitSeq> {
        let (question, answer) = oneshot::channel();
        self.questions.send(question).await.ok()?;
        answer.await.ok()
    }

    async fn applied(&self, number: CommitSeq) -> bool {
        let mut changes = self.roles.view.subscribe();
        changes.wait_for(|view| view.position.number >= number).await.is_ok()
    }

    /// Asks the leader for its number: once for all reads that wait at that moment.
    pub(super) async fn ask_for_ever(&self, questions: &mut Questions) {
        let mut waiting = Vec::new();
        while questions.recv_many(&mut waiting, QUESTIONS_MAX).await > 0 {
            // Reads whose requests are here already, but did not run yet, join this question.
            tokio::task::yield_now().await;
            while waiting.len() < QUESTIONS_MAX
                && let Ok(question) = questions.try_recv()
            {
                waiting.push(question);
            }
            let leader = self.roles.view().leader;
            let number = match &leader {
                Some(leader) => self.forwarder.number(leader).await,
                None => None,
            };
            for question in waiting.drain(..) {
                // Without a number, its end tells the read that the leader has to answer it.
                if let Some(number) = number {
                    let _gone = question.send(number);
                }
            }
        }
    }
}

/// The highest commit that the sender of these headers has seen.
fn seen(headers: &HeaderMap) -> CommitSeq {
    let numbers = headers.get_all(COMMIT).iter().filter_map(|value| value.to_str().ok()?.parse().ok());
    CommitSeq(numbers.max().unwrap_or(0))
}
