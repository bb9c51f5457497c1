//! The tests of the host as a whole: a file per theme.

mod calls;
mod guest;
mod hostile;
mod log;
mod ordinary;
