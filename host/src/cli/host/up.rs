//! `switchyard up`: starts the host, shows its progress, serves until a signal, and drains.

#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::config::load;
use crate::cli::arguments::Up;
use crate::cli::output::failure::{Failure, Kind};
use crate::config::{self, Configuration, Flags};
use crate::observe::{self, LOG_FOLDER, Log};
use crate::platform::{self, Host, Progress, StartError};
use crate::release::OpenError;
use crate::tasks::thread;

/// How long the program waits at its end until the log is written.
const LOG_FLUSH_WAIT: Duration = Duration::from_secs(1);

pub(in crate::cli) fn run(command: Up) -> Result<(), Failure> {
    let flags = Flags { listen: command.listen, admin_listen: command.admin, data: command.data };
    let manifest = command.manifest.manifest;
    let mut configuration = load(&manifest, flags.clone())?;
    let host = &configuration.manifest.host;
    let log = observe::start_logging(host.log_format, &host.log_filter);
    let log = Arc::new(log.map_err(|error| Failure::new(Kind::Usage, error))?);
    let writes = Arc::clone(&log);
    thread("log", move || writes.write(), |_| {}).map_err(|error| Failure::new(Kind::Refused, error))?;
    let ended = platform::fit_connections(&mut configuration.manifest.gateway)
        .map_err(|error| Failure::new(Kind::Refused, error))
        .and_then(|()| {
            let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("switchyard").enable_all().build();
            let reload = |host: &Host| reload(&manifest, flags.clone(), &log, host);
            let runtime = runtime.map_err(|error| Failure::new(Kind::Refused, error))?;
            let ended = runtime.block_on(serve(&configuration, &log, &reload));
            // Do not wait for threads that compile or that wait for the disk.
            runtime.shutdown_background();
            ended
        });
    log.flush(LOG_FLUSH_WAIT);
    observe::flush_recent_log(LOG_FLUSH_WAIT);
    ended
}

async fn serve(configuration: &Configuration, log: &Arc<Log>, reload: &(dyn Fn(&Host) + Sync)) -> Result<(), Failure> {
    let mut signals = Signals::take()?;
    let shown = Shown::new(configuration.manifest.services.len());
    let started = platform::start(configuration, &|progress| shown.tell(progress)).await;
    shown.end();
    let host = started.map_err(|error| not_started(configuration, Arc::new(error)))?;
    // Only now the data directory is this host's alone.
    let (folder, recent) = (configuration.manifest.host.data.join(LOG_FOLDER), Arc::clone(log));
    thread("recent log", move || recent.write_recent(&folder), |_| {})
        .map_err(|error| Failure::new(Kind::Refused, error))?;
    tracing::info!(public = %host.gateway_address(), operator = %host.admin_address(), "serving");
    let mut failure = None;
    let is_cut = loop {
        let action = tokio::select! {
            action = signals.next() => action,
            error = host.failed() => {
                let error = not_started(configuration, error);
                failure = Some(error);
                break true;
            }
        };
        match action {
            SignalAction::Reload => reload(&host),
            SignalAction::Stop(signal) => {
                tracing::info!(signal, "stopping: new requests are refused, running ones may finish");
                break false;
            }
            SignalAction::Cut => break true,
        }
    };
    let cut = async {
        if is_cut {
            return;
        }
        loop {
            match signals.next().await {
                SignalAction::Cut => return,
                SignalAction::Stop(signal) => {
                    tracing::info!(signal, "stopping already: SIGQUIT cuts off what is under way")
                }
                SignalAction::Reload => {}
            }
        }
    };
    let stopped = host.stop_or_cut(cut).await;
    if let Some(failure) = failure {
        return Err(failure);
    }
    stopped.map_err(|error| Failure::new(Kind::Refused, error))?;
    tracing::info!("stopped");
    Ok(())
}

/// Reads the log filter, the certificates and the admin token again. What cannot be read stays as it was, and all else takes
/// effect.
fn reload(manifest: &Path, flags: Flags, log: &Log, host: &Host) {
    let loaded = config::load(manifest, &config::environment(), flags);
    let filtered = loaded.map_err(|error| error.to_string()).and_then(|configuration| {
        log.set_filter(&configuration.manifest.host.log_filter).map_err(|error| error.to_string())
    });
    let files = host.reload_files().map_err(|error| error.to_string());
    match filtered.and(files) {
        Ok(()) => tracing::info!("the log filter, the certificates and the admin token were read again"),
        Err(error) => tracing::error!(error, "a file could not be reloaded: its earlier content stays in use"),
    }
}

fn not_started(configuration: &Configuration, error: Arc<StartError>) -> Failure {
    let next = match &*error {
        StartError::Listen { .. } => None,
        StartError::Releases(OpenError::Component { .. }) => {
            Some("`cargo xtask up` builds the shop's components.".to_owned())
        }
        StartError::Releases(OpenError::Refused { .. }) => {
            Some("`switchyard check FILE --contract WORLD` judges it without starting a host.".into())
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

/// The action that a signal requests.
enum SignalAction {
    /// SIGHUP.
    Reload,
    /// SIGTERM or SIGINT: the name of the signal.
    Stop(&'static str),
    /// SIGQUIT: stop at once.
    Cut,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hang_up: Signal,
}

impl Signals {
    fn take() -> Result<Self, Failure> {
        let take = |kind| signal(kind).map_err(|error| Failure::new(Kind::Refused, error));
        Ok(Self {
            terminate: take(SignalKind::terminate())?,
            interrupt: take(SignalKind::interrupt())?,
            quit: take(SignalKind::quit())?,
            hang_up: take(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> SignalAction {
        tokio::select! {
            _ = self.terminate.recv() => SignalAction::Stop("SIGTERM"),
            _ = self.interrupt.recv() => SignalAction::Stop("SIGINT"),
            _ = self.quit.recv() => SignalAction::Cut,
            _ = self.hang_up.recv() => SignalAction::Reload,
        }
    }
}

/// The progress of the start: a bar on a terminal, lines in the log otherwise.
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
