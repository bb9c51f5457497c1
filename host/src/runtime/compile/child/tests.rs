use super::*;

const AMPLE: Bounds =
    Bounds { memory_bytes: u64::MAX, processor_time: Duration::from_secs(3_600), time: Duration::from_secs(3_600) };

/// What becomes of a child that runs `script`.
fn wait_for(script: &str, bounds: &Bounds) -> Result<ExitStatus, ChildError> {
    let child = Command::new("sh").args(["-c", script]).stdout(Stdio::null()).spawn().unwrap();
    wait(&mut Killed(child).0, bounds, &CancellationToken::never())
}

#[test]
fn a_child_is_ended_for_what_it_uses_and_not_for_what_the_machine_does_beside_it() {
    let little = Duration::from_millis(50);
    let busy = "while :; do :; done";
    let ended = wait_for(busy, &Bounds { processor_time: little, ..AMPLE });
    assert!(matches!(ended, Err(ChildError::ProcessorTime)), "{ended:?}");
    // One that waits for a processor uses none of its time.
    let ended = wait_for("sleep 0.3", &Bounds { processor_time: little, ..AMPLE });
    assert!(ended.is_ok_and(|status| status.success()));
    let ended = wait_for("sleep 60", &Bounds { time: little, ..AMPLE });
    assert!(matches!(ended, Err(ChildError::Time)), "{ended:?}");
    let ended = wait_for(busy, &Bounds { memory_bytes: 0, ..AMPLE });
    assert!(matches!(ended, Err(ChildError::Memory)), "{ended:?}");
}

/// Runs `script` as a compiler: its output or its error, and whether the child is gone.
fn run_shell(script: &str, bounds: &Bounds, cancellation: &CancellationToken) -> (Result<Vec<u8>, ChildError>, bool) {
    let mark = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", script]).env("MARK", mark.path());
    let ended = run(command, b"component", bounds, cancellation);
    let mark = mark.path().to_str().unwrap();
    (ended, !children().any(|child| environment(&child).contains(mark)))
}

/// The children of this process, those of other tests too.
fn children() -> impl Iterator<Item = String> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let of_thread = |thread: std::fs::DirEntry| {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        children.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    threads.flat_map(move |thread| of_thread(thread.unwrap()))
}

fn environment(process: &str) -> String {
    String::from_utf8_lossy(&std::fs::read(format!("/proc/{process}/environ")).unwrap_or_default()).into_owned()
}

#[test]
fn a_child_returns_what_it_writes_and_one_that_fails_its_message() {
    let run = |script| run_shell(script, &AMPLE, &CancellationToken::never());
    let (code, is_gone) = run("tr a-z A-Z");
    assert!(code.is_ok_and(|code| code == b"COMPONENT") && is_gone);
    let (refused, _) = run("cat > /dev/null; printf 'no component' >&2; exit 1");
    assert!(matches!(&refused, Err(ChildError::Refused { message }) if message == "no component"), "{refused:?}");
    let (died, _) = run("kill -KILL $$");
    assert!(matches!(died, Err(ChildError::Died { .. })), "{died:?}");
}

#[test]
fn a_child_over_a_bound_is_gone_when_its_error_is_returned() {
    let (some, little) = (Duration::from_millis(300), Duration::from_millis(50));
    // Every script ends at last, so that a bound that does not hold is an output here and no endless test.
    let busy = "n=0; while [ $n -lt 3000000 ]; do n=$((n + 1)); done";
    let large = format!("x=$(head -c 100000000 /dev/zero | tr '\\0' x); {busy}");
    let never = &CancellationToken::never();
    let (ended, is_gone) = run_shell(&large, &Bounds { memory_bytes: 50_000_000, ..AMPLE }, never);
    assert!(matches!(ended, Err(ChildError::Memory)) && is_gone, "{ended:?}");
    let (ended, is_gone) = run_shell(busy, &Bounds { processor_time: some, ..AMPLE }, never);
    assert!(matches!(ended, Err(ChildError::ProcessorTime)) && is_gone, "{ended:?}");
    let (ended, is_gone) = run_shell("exec sleep 20", &Bounds { time: little, ..AMPLE }, never);
    assert!(matches!(ended, Err(ChildError::Time)) && is_gone, "{ended:?}");
}

#[test]
fn a_child_for_which_nobody_waits_is_gone() {
    let (cancellation, guard) = CancellationToken::with_guard();
    let folder = tempfile::tempdir().unwrap();
    let began = folder.path().join("began");
    let script = format!("echo > {}; exec sleep 20", began.display());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !began.exists() {
                std::thread::yield_now();
            }
            drop(guard);
        });
        let (ended, is_gone) = run_shell(&script, &AMPLE, &cancellation);
        assert!(matches!(ended, Err(ChildError::Cancelled)) && is_gone, "{ended:?}");
    });
}
