//! The processes of the cluster. None outlives this program, unless it is killed itself.

use std::fs::File;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// How long a process that was killed stays away: one can see what the others do, and they are not alone for long.
pub(super) const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// How often the processes are looked at.
const PERIOD: Duration = Duration::from_millis(50);

/// How long a process may take to end before it is killed: a host drains its requests for 30 s at most.
const END_WAIT_MAX: Duration = Duration::from_secs(40);

/// Lines of a log that are shown when its process fails.
const LINES_SHOWN: usize = 15;

/// Set by ctrl-c, by SIGTERM, and when the terminal is closed.
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(super) fn at_signals() -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&stop)).context("cannot take signals")?;
        }
        Ok(Self(stop))
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

struct Process {
    name: String,
    log: PathBuf,
    command: Command,
    state: State,
}

enum State {
    Runs(Child, Instant),
    /// It was killed at this time.
    Away(Instant),
}

/// The processes in the order of their starts.
pub(super) struct Running {
    stop: Stop,
    processes: Vec<Process>,
    /// A process that is waited for to its end.
    guest: Option<Child>,
}

#[expect(clippy::disallowed_methods, reason = "this is not a part of the host, which has a clock of its own")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "another process can only be asked again")]
fn pause() {
    std::thread::sleep(PERIOD);
}

impl Running {
    pub(super) fn new(stop: Stop) -> Self {
        Self { stop, processes: Vec::new(), guest: None }
    }

    /// Starts `command`. In a process group of its own, it is not ended by the ctrl-c of the terminal but by
    /// [`end`](Self::end), in order.
    pub(super) fn start(&mut self, name: &str, log: PathBuf, mut command: Command) -> anyhow::Result<()> {
        let child = spawn(&mut command, &log)?;
        let state = State::Runs(child, now());
        self.processes.push(Process { name: name.to_owned(), log, command, state });
        Ok(())
    }

    /// The id of the process `name`.
    pub(super) fn id(&self, name: &str) -> anyhow::Result<u32> {
        let process = self.processes.iter().find(|process| process.name == name);
        match process.map(|process| &process.state) {
            Some(State::Runs(child, _)) => Ok(child.id()),
            _ => bail!("{name} does not run"),
        }
    }

    /// Whether it was asked to end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }

    /// Waits until `is_ready`.
    pub(super) fn until_ready(
        &mut self,
        name: &str,
        wait_max: Duration,
        is_ready: impl Fn() -> bool,
    ) -> anyhow::Result<()> {
        let begin = now();
        while !is_ready() {
            self.look()?;
            if begin.elapsed() > wait_max {
                let log = self.processes.iter().find(|process| process.name == name).map(|process| tail(&process.log));
                bail!("{name} is not ready after {} s:\n{}", wait_max.as_secs(), log.unwrap_or_default());
            }
            pause();
        }
        Ok(())
    }

    /// Runs `command` to its end while the others serve.
    pub(super) fn run_to_end(&mut self, name: &str, mut command: Command) -> anyhow::Result<()> {
        let started = command.process_group(0).spawn().with_context(|| format!("{name} does not start"))?;
        self.guest = Some(started);
        loop {
            self.look()?;
            let ended = self.guest.as_mut().map(Child::try_wait).transpose()?.flatten();
            if let Some(status) = ended {
                self.guest = None;
                return if status.success() { Ok(()) } else { Err(anyhow::anyhow!("{name} failed: {status}")) };
            }
            pause();
        }
    }

    /// Serves until it is asked to end, or a process fails.
    pub(super) fn watch(&mut self) -> anyhow::Result<()> {
        loop {
            self.look()?;
            pause();
        }
    }

    /// Looks at all processes once: starts those again that were killed a while ago.
    ///
    /// # Errors
    ///
    /// If one has failed, or it was asked to end.
    fn look(&mut self) -> anyhow::Result<()> {
        if self.stop.is_set() {
            bail!("interrupted");
        }
        for process in &mut self.processes {
            process.look()?;
        }
        Ok(())
    }

    /// Ends all processes by their ids: the hosts first, because they say goodbye in the stream.
    pub(super) fn end(&mut self) -> anyhow::Result<()> {
        if let Some(mut guest) = self.guest.take() {
            // It may have ended by itself.
            let _ended = guest.kill();
            guest.wait()?;
        }
        println!("\n== ending {}", self.processes.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", "));
        let mut ended = Ok(());
        while let Some(process) = self.processes.pop() {
            ended = ended.and(process.end());
        }
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for process in &mut self.processes {
            if let State::Runs(child, _) = &mut process.state {
                // Only after a panic are there any.
                let _ended = child.kill();
            }
        }
    }
}

impl Process {
    fn look(&mut self) -> anyhow::Result<()> {
        match &mut self.state {
            State::Away(since) if since.elapsed() >= AGAIN_AFTER => {
                let child = spawn(&mut self.command, &self.log)?;
                println!("== {} starts again, as process {}", self.name, child.id());
                self.state = State::Runs(child, now());
            }
            State::Away(_) => {}
            State::Runs(child, began) => {
                let Some(status) = child.try_wait()? else { return Ok(()) };
                // One that does not live long would only be started again and again.
                if !was_ended(status) || began.elapsed() < AGAIN_AFTER {
                    bail!("{} failed: {status}\n{}\nits whole log: {}", self.name, tail(&self.log), self.log.display());
                }
                println!("== {} ended ({status}), and starts again in {} s", self.name, AGAIN_AFTER.as_secs());
                self.state = State::Away(now());
            }
        }
        Ok(())
    }

    fn end(self) -> anyhow::Result<()> {
        let State::Runs(mut child, _) = self.state else { return Ok(()) };
        if child.try_wait()?.is_some() {
            return Ok(());
        }
        let id = child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().context("cannot run kill")?;
        let begin = now();
        while child.try_wait()?.is_none() {
            if begin.elapsed() > END_WAIT_MAX {
                println!("== {} does not end, and is killed", self.name);
                child.kill()?;
                child.wait()?;
                return Ok(());
            }
            pause();
        }
        Ok(())
    }
}

/// Whether somebody ended the process, and it did not fail by itself.
fn was_ended(status: ExitStatus) -> bool {
    status.success() || status.signal().is_some()
}

fn spawn(command: &mut Command, log: &Path) -> anyhow::Result<Child> {
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let file = File::options().create(true).append(true).open(log);
    let file = file.with_context(|| format!("cannot write {}", log.display()))?;
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("cannot run {program}"))
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_else(|error| format!("{}: {error}", log.display()));
    let lines: Vec<_> = text.lines().rev().take(LINES_SHOWN).collect();
    lines.into_iter().rev().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
