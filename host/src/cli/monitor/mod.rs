//! Commands that show the activity of a host: its services, events, schedules and open intents.

pub(super) mod events;
pub(super) mod intents;
pub(super) mod logs;
pub(super) mod schedules;
pub(super) mod status;
