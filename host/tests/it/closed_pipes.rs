//! The command line when nobody reads what it prints: it ends as it would have, and never panics.

use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::Signal;

use crate::releases::Setup;
use crate::releases::process::Process;

const PROGRAM: &str = env!("CARGO_BIN_EXE_switchyard");

/// Commands, and how each ends. `HOST` is the address of a host that runs.
const COMMANDS: &[(&str, i32)] = &[
    ("--help", 0),
    ("--version", 0),
    ("deploy --help", 0),
    ("", 2),
    ("deploy", 2),
    ("config --defaults", 0),
    ("config --manifest none.toml", 2),
    ("completions bash", 0),
    ("check none.wasm --contract a:b/c", 2),
    ("journal show --data none", 1),
    ("status --admin HOST", 0),
    ("status --admin HOST --json", 0),
    ("status --admin HOST --watch 1 --json", 0),
    ("status none --admin HOST", 1),
    ("history --admin HOST", 0),
    ("call front look {\"script\":\"say\\u0020hello\"} --admin HOST", 0),
    ("deploy front front.wasm --dry-run --admin HOST", 0),
    ("deploy front switchyard.toml --admin HOST", 1),
    ("apply --dry-run --admin HOST", 0),
    ("backup backups/copy --admin HOST", 0),
    ("status --admin http://127.0.0.1:1", 3),
];

/// A pipe that nobody reads.
fn unread() -> io::Result<Stdio> {
    let (reader, writer) = io::pipe()?;
    drop(reader);
    Ok(writer.into())
}

/// Runs the program with `redirection` of a shell.
fn in_shell(redirection: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec \"$0\" \"$@\" {redirection}"), PROGRAM]);
    command
}

fn run(mut command: Command, folder: &Path, line: &str, admin: &str) -> Output {
    let line = line.replace("HOST", admin);
    let _of_the_run_before = std::fs::remove_dir_all(folder.join("backups/copy"));
    command.args(line.split(' ').filter(|word| !word.is_empty())).current_dir(folder).stdin(Stdio::null());
    command.env_remove("SWITCHYARD_ADMIN").spawn().unwrap().wait_with_output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_nobody_listens_to_ends_as_it_would_have() {
    let setup = Setup::pair("");
    setup.write_manifest();
    let folder = setup.folder.path().to_owned();
    std::fs::create_dir(folder.join("backups")).unwrap();
    let process = Process::start(&folder).await;
    let admin = format!("http://{}", process.operator.address());
    let checked = tokio::task::spawn_blocking(move || {
        for (line, code) in COMMANDS {
            let check = |what: &str, command: Command| {
                let output = run(command, &folder, line, &admin);
                let error = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), Some(*code), "{line:?}, {what}: {error}");
                assert!(!error.contains("panicked"), "{line:?}, {what}: {error}");
            };
            let piped = |stdout, stderr| {
                let mut command = Command::new(PROGRAM);
                command.stdout(stdout).stderr(stderr);
                command
            };
            if !line.contains("--watch") {
                check("all is read", piped(Stdio::piped(), Stdio::piped()));
                check("stderr is an unread pipe", piped(Stdio::piped(), unread().unwrap()));
                check("stdout is closed", in_shell(">&-"));
                check("stderr is closed", in_shell("2>&-"));
                check("both are closed", in_shell(">&- 2>&-"));
            }
            check("stdout is an unread pipe", piped(unread().unwrap(), Stdio::piped()));
            check("both are unread pipes", piped(unread().unwrap(), unread().unwrap()));
        }
    });
    checked.await.unwrap();
    process.signal(Signal::TERM);
    assert_eq!(process.ended().await, Some(0));
}

#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let full = || Stdio::from(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    for (line, what) in [("config --defaults", "No space left"), ("completions bash", "No space left")] {
        let mut command = Command::new(PROGRAM);
        command.args(line.split(' ')).stdout(full()).stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}: {error}");
        assert!(error.contains(what) && !error.contains("panicked"), "{line}: {error}");
        let mut command = Command::new(PROGRAM);
        command.args(line.split(' ')).stdout(full()).stderr(full());
        assert_eq!(command.status().unwrap().code(), Some(1), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_output_is_closed_from_the_start_serves_and_stops_in_order() {
    for redirection in [">&- 2>&-", "2>&-", "2>/dev/full"] {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let setup = Setup::pair(&format!("host.admin_listen = \"{free}\""));
        setup.write_manifest();
        let mut command = in_shell(redirection);
        let mut child = command.arg("up").current_dir(setup.folder.path()).stdin(Stdio::null()).spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        let client = crate::releases::http::Client::new(free);
        let is_ready = async || client.try_send("GET", "/readyz", "").await.is_ok_and(|answer| answer.status == 200);
        crate::releases::until("the host", is_ready).await;
        rustix::process::kill_process(pid, Signal::TERM).unwrap();
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap().code()).await.unwrap();
        assert_eq!(ended, Some(0), "{redirection}");
    }
}
