//! Tries again what could not be delivered, each event when its time has come and nothing is before it.

use std::time::Duration;

use super::entries::{Held, put};
use super::letter::{Fate, Letter, LetterId};
use super::position::Place;
use super::subscription::{Desk, Subscription, Trouble};
use crate::clock;
use crate::tasks::Stop;

/// How long it waits for a service that is down.
const HELD_WAIT: Duration = Duration::from_secs(1);

/// Tries events again until the subscription ends, or the host stops.
pub(super) async fn run(subscription: &Subscription, mut stop: Stop) {
    let mut known: Option<Desk> = None;
    while !stop.is_set() {
        known = subscription.next_desk(known.as_ref());
        let Some(desk) = &known else { return };
        let changed = subscription.retry.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let next = subscription.parked.lock().await.next();
        match next {
            Some((place, due)) if due <= clock::now() => match attempt(subscription, desk, place).await {
                Ok(()) => {}
                Err(Held::Ended) => return,
                Err(Held::Waits(_)) => {
                    subscription.parked.lock().await.put_off(place, clock::now() + HELD_WAIT);
                }
            },
            Some((_, due)) => tokio::select! {
                () = stop.wait() => return,
                () = changed => {}
                () = tokio::time::sleep_until(due.into()) => {}
            },
            None => tokio::select! {
                () = stop.wait() => return,
                () = changed => {}
            },
        }
    }
}

/// Tries the event at `place` once more.
async fn attempt(subscription: &Subscription, desk: &Desk, place: Place) -> Result<(), Held> {
    let Subscription { pair, calls, parked, metrics, .. } = subscription;
    let id = LetterId { emitter: pair.emitter.clone(), place };
    let routing = calls.routing();
    if !desk.is_of(&routing) {
        return Ok(());
    }
    let Some(mut letter) = Letter::read(&desk.own, &id, Fate::Retrying)? else {
        parked.lock().await.remove(place);
        return Ok(());
    };
    let gone = id.deletion(Fate::Retrying);
    let trouble = match desk.taken.handler(&letter.event) {
        None => Trouble::Failed(format!("{} does not take it any more", pair.subscriber)),
        Some(handler) => {
            metrics.retried.increment(1);
            let told = (place, letter.emitted_at, &letter.event);
            match subscription.call(&routing, handler, told, vec![gone.clone()]).await {
                Ok(()) => {
                    parked.lock().await.remove(place);
                    subscription.wake.notify_one();
                    return Ok(());
                }
                Err(trouble) => trouble,
            }
        }
    };
    let (error, again) = match trouble {
        Trouble::Held(held) => return Err(held),
        Trouble::Failed(error) => (error, true),
        Trouble::Unfit(error) => (error, false),
    };
    metrics.failed.increment(1);
    tracing::warn!(service = %pair.subscriber, event = %id, error, "an event could not be delivered");
    letter.failed(error, clock::unix_micros());
    let mut parked = parked.lock().await;
    if again && subscription.may_retry(letter.attempts()) {
        put(&desk.own, vec![letter.entry(Fate::Retrying)]).await?;
        parked.put_off(place, subscription.retry_at(letter.attempts()));
        return Ok(());
    }
    put(&desk.own, vec![gone, letter.entry(Fate::Dead)]).await?;
    metrics.dead.increment(1);
    tracing::error!(service = %pair.subscriber, event = %id, "an event goes to the dead letters");
    parked.remove(place);
    subscription.wake.notify_one();
    Ok(())
}
