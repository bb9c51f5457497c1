//! Commands that show what a host does: its services, events, schedules and open intents.

pub(super) mod events;
pub(super) mod intents;
pub(super) mod schedules;
pub(super) mod status;
