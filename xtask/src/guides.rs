//! `cargo xtask guides`: runs the commands of the guides, each guide from an empty folder, and compares what they print.

mod document;
mod expect;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};
use document::{Block, blocks};

use crate::step::{build, root, target};
use crate::wasm;

/// A document whose commands are run, and what they need beside Rust.
struct Guide {
    name: &'static str,
    needs: &'static [Need],
}

const GUIDES: [Guide; 7] = [
    Guide { name: "tutorial", needs: &[] },
    Guide { name: "rust", needs: &[] },
    Guide { name: "sdk", needs: &[] },
    Guide { name: "javascript", needs: &[Need::Npm] },
    Guide { name: "python", needs: &[Need::Pip] },
    Guide { name: "http-components", needs: &[Need::Npm] },
    Guide { name: "monitoring/README", needs: &[Need::Promtool] },
];

/// A program of another project, or the registry that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Npm,
    Pip,
    Promtool,
}

impl Need {
    /// Whether it answers.
    fn is_met(self) -> bool {
        let (program, arguments): (_, &[_]) = match self {
            Self::Npm => (
                "npm",
                &["view", "@bytecodealliance/componentize-js", "version", "--fetch-retries=0", "--fetch-timeout=20000"],
            ),
            Self::Pip => {
                ("python3", &["-m", "pip", "--retries=0", "--timeout=20", "index", "versions", "componentize-py"])
            }
            Self::Promtool => ("promtool", &["--version"]),
        };
        let asked = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    }

    /// Why a guide cannot be run without it.
    fn reason(self) -> &'static str {
        match self {
            Self::Npm => "npm is not installed, or its registry does not answer",
            Self::Pip => "Python 3 with pip is not installed, or its registry does not answer",
            Self::Promtool => {
                "promtool is not installed; it comes with Prometheus, on Debian in the package `prometheus`"
            }
        }
    }
}

/// The addresses of a host in the guides. Each run has others, so that it disturbs no host of this machine.
const ADDRESSES: [&str; 2] = ["127.0.0.1:8080", "127.0.0.1:8081"];

/// Runs the guides that `arguments` names, or all. `--host PROGRAM` takes a host that is built already.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let (host, names) = match arguments {
        [flag, program, names @ ..] if flag == "--host" => (Some(root().join(program)), names),
        names => (None, names),
    };
    if let Some(unknown) = names.iter().find(|name| GUIDES.iter().all(|guide| guide.name != name.as_str())) {
        bail!("there is no guide {unknown}; there are: {}", GUIDES.map(|guide| guide.name).join(", "));
    }
    wasm::add_target()?;
    wasm::build_shop()?;
    let host = host.map_or_else(|| build("the host", "switchyard"), Ok)?;
    let mut left_out = Vec::new();
    for guide in GUIDES.iter().filter(|guide| names.is_empty() || names.iter().any(|name| name == guide.name)) {
        match guide.needs.iter().find(|need| !need.is_met()) {
            Some(need) => left_out.push(format!("LEFT OUT: docs/{}.md, because {}", guide.name, need.reason())),
            None => follow(guide.name, &host)?,
        }
    }
    if left_out.is_empty() {
        println!("\nThe guides hold.");
    } else {
        println!("\nThe other guides hold.");
        eprintln!("{}", left_out.join("\n"));
    }
    Ok(())
}

/// Runs one guide.
#[expect(clippy::disallowed_methods, reason = "the host's clock is not there to be used by what builds it")]
fn follow(name: &str, host: &Path) -> anyhow::Result<()> {
    println!("\n== docs/{name}.md");
    let begin = Instant::now();
    let text = std::fs::read_to_string(root().join(format!("docs/{name}.md")))?;
    let blocks = blocks(&text);
    let folder = target().join("guides").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    let outputs = folder.join("outputs");
    let work = folder.join("work");
    for needed in [&outputs, &work] {
        std::fs::create_dir_all(needed).with_context(|| format!("cannot make {}", needed.display()))?;
    }
    let addresses = free_addresses()?;
    let mut script = script(&blocks, &outputs);
    for (address, free) in ADDRESSES.iter().zip(&addresses) {
        script = script.replace(address, free);
    }
    let path = folder.join("commands.sh");
    std::fs::write(&path, script).with_context(|| format!("cannot write {}", path.display()))?;
    let status = command(&path, &work, host, &addresses).status().context("cannot run bash")?;
    for (number, block) in blocks.iter().enumerate() {
        let Block::Commands { line, expected, .. } = block else { continue };
        // After a failure, later commands have no output.
        let Ok(printed) = std::fs::read_to_string(output(&outputs, number)) else { break };
        let printed =
            addresses.iter().zip(ADDRESSES).fold(printed, |text, (free, address)| text.replace(free, address));
        let goes_on = (number + 1..blocks.len()).any(|later| output(&outputs, later).exists());
        if !status.success() && !goes_on {
            bail!(
                "docs/{name}.md, line {line}: a command failed ({status}); it printed:\n{printed}\nto repeat it: bash {}",
                path.display()
            );
        }
        if let Some(expected) = expected
            && let Err(difference) = expect::compare(expected, &printed)
        {
            bail!("docs/{name}.md, line {line}: {difference}\nit printed:\n{printed}");
        }
    }
    if !status.success() {
        bail!("docs/{name}.md: nothing was run ({status}); to repeat it: bash {}", path.display());
    }
    println!("-- docs/{name}.md holds: done in {:.1} s", begin.elapsed().as_secs_f64());
    Ok(())
}

fn command(script: &Path, work: &Path, host: &Path, addresses: &[String; 2]) -> Command {
    let [public, admin] = addresses;
    let programs = host.parent().unwrap_or(host).display().to_string();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut command = Command::new("bash");
    command
        .arg(script)
        .current_dir(work)
        .env("PATH", format!("{programs}:{}", path.to_string_lossy()))
        .env("SWITCHYARD", root())
        .env("SWITCHYARD_HOST_LISTEN", public)
        .env("SWITCHYARD_HOST_ADMIN_LISTEN", admin)
        .env("SWITCHYARD_ADMIN", format!("http://{admin}"))
        .env("npm_config_cache", target().join("guides/npm"))
        .env("PIP_CACHE_DIR", target().join("guides/pip"))
        // The crates of all guides share what is built of their dependencies.
        .env("CARGO_BUILD_BUILD_DIR", target().join("guides/build"))
        .env_remove("RUSTFLAGS")
        .stdin(Stdio::null());
    command
}

/// How a script begins: at its end, no host goes on, and after a failure the last lines of its log are shown.
const BEGIN: &str = "set -euo pipefail
work=$PWD
at_exit() {
  code=$?
  kill $(jobs -p) 2>/dev/null || true
  wait
  if [ $code != 0 ] && [ -f \"$work/host.log\" ]; then tail -n 20 \"$work/host.log\"; fi
}
trap at_exit EXIT
";

/// The guide as one script. What each block of commands prints goes into a file.
fn script(blocks: &[Block], outputs: &Path) -> String {
    let mut script = String::from(BEGIN);
    for (number, block) in blocks.iter().enumerate() {
        match block {
            Block::File { path, text } => {
                let end = format!("end-of-file-{number}");
                script.push_str(&format!("mkdir -p \"$(dirname '{path}')\"\ncat > '{path}' <<'{end}'\n{text}{end}\n"));
            }
            Block::Commands { text, .. } => {
                script.push_str(&format!("{{\n{text}}} > '{}' 2>&1\n", output(outputs, number).display()));
            }
        }
    }
    script
}

fn output(outputs: &Path, number: usize) -> PathBuf {
    outputs.join(format!("{number:03}.txt"))
}

/// Two addresses on which nobody listens.
fn free_addresses() -> anyhow::Result<[String; 2]> {
    let listeners = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    let [public, admin] = &listeners;
    Ok([public.local_addr()?.to_string(), admin.local_addr()?.to_string()])
}
