use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_lock_that_another_process_holds_names_it_and_since_when() {
    let data = folder();
    let before = clock::unix_micros();
    let held = lock(data.path()).unwrap();
    let refused = take(&File::open(data.path().join(LOCK_FILE)).unwrap(), Duration::ZERO);
    let Err(LockError::Held(holder)) = refused else { panic!("{refused:?}") };
    let Some((process, since)) = holder.0 else { panic!("{holder}") };
    assert_eq!(u32::try_from(process).unwrap(), std::process::id());
    assert!(since >= before && since <= clock::unix_micros());
    let expected = format!("process {process}, since {}", clock::rfc_3339_millis(since));
    assert_eq!(holder.to_string(), expected);
    drop(held);
    lock(data.path()).unwrap();
}

#[test]
fn a_lock_that_is_given_back_soon_is_waited_for() {
    let data = folder();
    let held = lock(data.path()).unwrap();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| lock(data.path()).map(drop));
        std::thread::park_timeout(RETRY);
        drop(held);
        waits.join().unwrap().unwrap();
    });
}

#[test]
fn a_lock_file_without_a_running_process_names_nobody() {
    let check = |text: &str| {
        let path = folder();
        let path = path.path().join(LOCK_FILE);
        std::fs::write(&path, text).unwrap();
        assert_eq!(LockHolder::read(&File::open(&path).unwrap()).to_string(), "another process", "{text:?}");
    };
    check("");
    check("1");
    check("-1 5\n");
    check("0 5\n");
    check("x y\n");
    check(&format!("{} 5\n", i32::MAX));
    check(&"9".repeat(200));
}
