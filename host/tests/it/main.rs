//! The tests of the host as a whole: a file per theme.

mod guest;
mod hostile;
mod log;
mod ordinary;
