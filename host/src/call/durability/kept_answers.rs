//! The answers to requests with a key: looked up before the call runs, and committed at its end.

use std::time::{Duration, Instant};

use super::claims::{Claim, ClaimResult, KeyReused};
use super::durable_calls::DurableCalls;
use super::request_key::RequestKey;
use super::sealer::NotOpened;
use crate::call::engine::answer::{Answer, CallError};
use crate::call::routing::Service;
use crate::clock;
use crate::contract::Function;
use crate::limits::ANSWER_BYTES_MAX;
use crate::observe;
use crate::store::system::{ANSWER_EXPIRIES, ANSWERS, AgedCall, RowWrite};

/// The share of one client: a hundredth of all kept answers.
const CLIENT_SHARE_PART: u64 = 100;

/// The part of kept answers that guests' answers may fill, in hundredths. The rest is for accounts.
const GUESTS_PERCENT: u64 = 90;

/// Guests' answers are evicted from this fill on, in hundredths.
pub(in crate::call::durability) const EVICT_FROM_PERCENT: u64 = 80;

/// Whether a request with a key was answered before.
pub(in crate::call) enum Lookup {
    Answered(Answer),
    First(Claim),
}

impl DurableCalls {
    /// The answer to the request with `key`, or the right to run it. Waits while the same request runs, for at most the
    /// time that the call itself may take.
    pub(in crate::call) async fn look_up(
        &self,
        key: &RequestKey,
        service: &Service,
        function: &Function,
    ) -> Result<Lookup, CallError> {
        let until: Instant = clock::now() + Duration::from_millis(service.limits.deadline_ms);
        loop {
            let mut ended = match self.claims.claim(key).map_err(|KeyReused| CallError::KeyReused)? {
                ClaimResult::Running(ended) => ended,
                // While the claim exists, no other request can commit the answer.
                ClaimResult::Granted(claim) => {
                    return Ok(match self.kept_answer(key, service, function).await? {
                        Some(answer) => Lookup::Answered(answer),
                        None => Lookup::First(claim),
                    });
                }
            };
            if tokio::time::timeout_at(until.into(), ended.changed()).await.is_err() {
                return Err(CallError::Deadline { service: service.name().clone() });
            }
        }
    }

    /// The durable answer to the request with `key`. Returns none only if there is room to keep a new one.
    async fn kept_answer(
        &self,
        key: &RequestKey,
        service: &Service,
        function: &Function,
    ) -> Result<Option<Answer>, CallError> {
        let unavailable = |why| CallError::unavailable(service.name(), why);
        let unreadable = |error: &dyn std::fmt::Display| {
            if service.log_limits.allows("a kept answer cannot be read") {
                tracing::error!(service = %service.name(), key = %key.id(), %error, "a kept answer cannot be read");
            }
        };
        let mut transaction = service.store.begin_read();
        let stored = transaction.get_row(&ANSWERS, &key.id()).inspect_err(|error| unreadable(error));
        let Some(stored) = stored.map_err(|_| unavailable("its store cannot be read"))? else {
            self.check_room(key, service)?;
            return Ok(None);
        };
        let answer = self.sealer.open(key, &stored).map_err(|why| match why {
            NotOpened::OtherRequest => CallError::KeyReused,
            NotOpened::Damaged => {
                unreadable(&"it is damaged, or another host sealed it");
                unavailable("its answer to this request is damaged")
            }
        })?;
        self.stores.wait_durable(transaction.saw()).await?;
        let answer = Answer::decode(function, &answer).inspect_err(|error| unreadable(error));
        answer.map(Some).map_err(|_| unavailable("the request was answered by another contract"))
    }

    fn check_room(&self, key: &RequestKey, service: &Service) -> Result<(), CallError> {
        let bytes_max = ANSWERS.bytes_max(service.limits.kept_bytes_max);
        let name = service.name();
        self.shares.check(key.client, bytes_max / CLIENT_SHARE_PART).map_err(|retry_after_s| {
            observe::kept_answers::refused(name, "client");
            let why = "the kept answers of this client fill its share";
            CallError::Unavailable { service: name.clone(), why, retry_after_s }
        })?;
        let usable = if key.is_guest { bytes_max / 100 * GUESTS_PERCENT } else { bytes_max };
        let used = service.store.usage(&ANSWERS).bytes;
        if used > bytes_max / 100 * EVICT_FROM_PERCENT {
            self.full.notify_one();
        }
        if used >= usable {
            observe::kept_answers::refused(name, "all");
            return Err(CallError::unavailable(name, "there is no room to keep answers"));
        }
        Ok(())
    }

    /// The rows that keep `answer` for the request with `key`, which began at `began_at`.
    pub(in crate::call::durability) fn keep(
        &self,
        key: &RequestKey,
        began_at: u64,
        service: &Service,
        answer: &Answer,
    ) -> Result<[RowWrite; 2], CallError> {
        let sealed = self.sealer.seal(key, &encoded(service, answer)?);
        let sealed = sealed.inspect_err(|error| {
            if service.log_limits.allows("the system gives no randomness") {
                tracing::error!(%error, "the system gives no randomness");
            }
        });
        let no_randomness = |_| CallError::unavailable(service.name(), "the system gives no randomness");
        let answer = ANSWERS.put(&key.id(), sealed.map_err(no_randomness)?);
        let share = ANSWERS.bytes_max(service.limits.kept_bytes_max) / CLIENT_SHARE_PART;
        self.shares.add(key.client, share, u64::try_from(answer.bytes()).unwrap_or(u64::MAX));
        let expiry = AgedCall { began_at, call: key.id() };
        Ok([answer, ANSWER_EXPIRIES.put(&expiry, vec![u8::from(key.is_guest)])])
    }
}

/// The bytes of an answer, for a row in the commit of its writes.
pub(in crate::call::durability) fn encoded(service: &Service, answer: &Answer) -> Result<Vec<u8>, CallError> {
    let bytes = answer.encode();
    if bytes.len() > ANSWER_BYTES_MAX {
        return Err(CallError::OverLimit { service: service.name().clone(), limit: "answer_bytes" });
    }
    Ok(bytes)
}
