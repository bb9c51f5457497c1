//! The tests of the host as a whole: a file per theme.

<<<<<<< HEAD
#![expect(clippy::unwrap_used, reason = "a test that panics fails")]

mod compile;
=======
mod calls;
>>>>>>> calls
mod guest;
mod hostile;
mod log;
mod ordinary;
mod web;
