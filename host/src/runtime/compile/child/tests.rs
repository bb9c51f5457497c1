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
