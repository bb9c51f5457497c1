//! Panics of tasks and threads: caught, logged with the name of the work, and counted.

use std::any::Any;
use std::borrow::Cow;

use crate::observe::tasks::count_panic;

/// A task or a thread panicked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} panicked: {message}")]
pub struct Panicked {
    pub name: Cow<'static, str>,
    pub message: String,
}

impl Panicked {
    /// Logs and counts the caught panic with `payload`.
    pub(crate) fn report(name: impl Into<Cow<'static, str>>, payload: &(dyn Any + Send)) -> Self {
        let name = name.into();
        let message = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
            (Some(text), _) => (*text).to_owned(),
            (None, Some(text)) => text.clone(),
            (None, None) => "without a message".to_owned(),
        };
        tracing::error!(task = %name, message, "a task panicked");
        count_panic(&name);
        Self { name, message }
    }
}
