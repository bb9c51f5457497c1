//! `switchyard up`: starts the host, says how far it is, serves until a signal, and drains.

#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::config::load;
use crate::cli::arguments::Up;
use crate::cli::output::failure::{Failure, Kind};
use crate::config::{Configuration, Flags};
use crate::observe;
use crate::platform::{self, Progress, StartError};
use crate::release::OpenError;

pub(in crate::cli) fn run(command: Up) -> Result<(), Failure> {
    let flags = Flags { listen: command.listen, admin_listen: command.admin, data: command.data };
    let configuration = load(&command.manifest.manifest, flags)?;
    let host = &configuration.manifest.host;
    observe::start_logging(host.log_format, &host.log_filter).map_err(|error| Failure::new(Kind::Usage, error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("switchyard").enable_all().build();
    runtime.map_err(|error| Failure::new(Kind::Refused, error))?.block_on(serve(&configuration))
}

async fn serve(configuration: &Configuration) -> Result<(), Failure> {
    let mut signals = Signals::take()?;
    let shown = Shown::new(configuration.manifest.services.len());
    let started = platform::start(configuration, &|progress| shown.tell(progress)).await;
    shown.end();
    let host = started.map_err(|error| not_started(configuration, error))?;
    tracing::info!(public = %host.gateway_address(), operator = %host.admin_address(), "serving");
    let name = signals.next().await;
    tracing::info!(signal = name, "stopping: no new requests, those under way end");
    tokio::select! {
        stopped = host.stop() => stopped.map_err(|error| Failure::new(Kind::Refused, error))?,
        again = signals.next() => {
            return Err(Failure::text(Kind::Refused, format!("a second {again}: calls under way were cut off")));
        }
    }
    tracing::info!("stopped");
    Ok(())
}

fn not_started(configuration: &Configuration, error: StartError) -> Failure {
    let next = match &error {
        StartError::Listen { .. } => None,
        StartError::Releases(OpenError::Component { .. }) => {
            Some("`cargo xtask up` builds the shop's components.".to_owned())
        }
        StartError::Releases(OpenError::Refused { .. }) => {
            Some("`switchyard check FILE --contract WORLD` judges it without a start.".into())
        }
        StartError::Store(_) => Some(format!(
            "The data directory is {}; name another with --data.",
            configuration.manifest.host.data.display()
        )),
        _ => None,
    };
    let failure = Failure::new(Kind::Refused, error);
    match next {
        Some(next) => failure.next(next),
        None => failure,
    }
}

/// What tells the host to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn take() -> Result<Self, Failure> {
        let take = |kind| signal(kind).map_err(|error| Failure::new(Kind::Refused, error));
        Ok(Self { terminate: take(SignalKind::terminate())?, interrupt: take(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "ctrl-c",
        }
    }
}

/// How far the start is: a bar on a terminal, lines in the log elsewhere.
struct Shown(Option<ProgressBar>);

impl Shown {
    fn new(services: usize) -> Self {
        let services = u64::try_from(services).unwrap_or(u64::MAX);
        let style = ProgressStyle::with_template("{spinner} {pos} of {len} components ready{msg}");
        let style = style.expect("a test reads the template");
        let bar = || ProgressBar::new(services).with_style(style);
        Self(std::io::stderr().is_terminal().then(bar))
    }

    fn tell(&self, progress: Progress) {
        match (&self.0, progress) {
            (Some(bar), Progress::Compiling { service }) => bar.set_message(format!(", compiling {service}")),
            (Some(bar), Progress::Compiled { .. }) => bar.inc(1),
            (Some(_), Progress::Opened { .. }) => {}
            (None, Progress::Compiling { service }) => tracing::debug!(%service, "compiling"),
            (None, Progress::Compiled { service, took }) => tracing::info!(%service, ?took, "component ready"),
            (None, Progress::Opened { took }) => tracing::info!(?took, "stores open"),
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
