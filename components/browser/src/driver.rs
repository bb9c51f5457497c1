//! ChromeDriver as a child process, and where Chromium is.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const INSTALL: &str = "install Chromium and its driver: on Debian `apt-get install chromium chromium-driver`, on Fedora \
                       `dnf install chromium chromedriver`; elsewhere put `chromium` (or `google-chrome`) and `chromedriver` of one version \
                       into the PATH";

/// A running ChromeDriver. It is killed when this is dropped, with its browsers.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) address: SocketAddr,
    pub(crate) chromium: PathBuf,
    child: Child,
}

impl Driver {
    /// # Errors
    ///
    /// When a program is missing (the error says what to install), or ChromeDriver does not start.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let chromium = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(in_path);
        let chromium = chromium.with_context(|| format!("there is no Chromium; {INSTALL}"))?;
        let program = in_path("chromedriver").with_context(|| format!("there is no ChromeDriver; {INSTALL}"))?;
        let mut child = Command::new(program)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context("cannot run chromedriver")?;
        let mut lines = BufReader::new(child.stdout.take().context("stdout is a pipe")?).lines();
        while let Some(line) = lines.next_line().await? {
            // "ChromeDriver was started successfully on port 40123."
            let Some((_, port)) = line.split_once("successfully on port ") else { continue };
            let port = port.trim_end_matches('.').parse().with_context(|| line.clone())?;
            return Ok(Self { address: (Ipv4Addr::LOCALHOST, port).into(), chromium, child });
        }
        anyhow::bail!("chromedriver ended at once; run `chromedriver --port=0` to see why")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let group = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(group) = group {
            // They may have ended already.
            let _gone = kill_process_group(group, Signal::KILL);
        }
    }
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
