//! The calls that the host makes by itself: it delivers events to their subscribers, and runs schedules.
//!
//! Invariant: an event takes effect once, because the cursor moves past it in the commit of its handler's writes. No
//! subscriber waits for another.

mod commit;
mod cursor;
mod dead_letters;
mod delivery;
mod delivery_loop;
mod follow;
mod handlers;
mod loop_slot;
mod registry;
mod repeatable;
mod retention;
mod retry_queue;
mod schedule;
mod slot;
mod spans;
mod status;
mod subscription;

pub use crate::store::system::EventId;
pub use dead_letters::{DeadLetterError, DeadLetters};
pub use registry::Events;
pub use status::{DeliveryView, ScheduleView, SubscriptionView};
