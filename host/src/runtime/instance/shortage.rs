//! Shortages of the machine during a run: file descriptors, memory, ports.
//!
//! A guest may handle such an error. If it fails because of it, this is no failure of the component.

use std::error::Error;
use std::io;
use std::sync::{Arc, OnceLock};

use rustix::io::Errno;

/// The first shortage of one run. Clones belong to the same run.
#[derive(Debug, Clone, Default)]
pub(in crate::runtime) struct Shortage(Arc<OnceLock<String>>);

impl Shortage {
    /// Notes `error` if it is about what the machine lacks.
    pub(in crate::runtime) fn note(&self, error: &(dyn Error + 'static)) {
        if let Some(lacking) = lacking(error) {
            let _first = self.0.set(lacking);
        }
    }

    pub(in crate::runtime) fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// The text of the error, if `error` or one of its causes is a shortage.
pub(super) fn lacking(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        let io_error = error.downcast_ref::<io::Error>();
        let code = io_error.and_then(Errno::from_io_error).or_else(|| error.downcast_ref::<Errno>().copied());
        let is_shortage = code.is_some_and(|code| {
            matches!(
                code,
                Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS | Errno::AGAIN | Errno::ADDRNOTAVAIL
            )
        });
        if is_shortage || io_error.is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory) {
            return Some(error.to_string());
        }
        next = error.source();
    }
    None
}
