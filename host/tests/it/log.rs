//! What the host logs, as a test sees it: that of its own thread.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

thread_local! {
    static CAPTURED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// From now on keeps what this thread logs. There is one subscriber for all tests: tracing asks it only once whether a
/// place in the code is worth logging.
pub(crate) fn capture() {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(|| Captured).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    CAPTURED.set(Some(Vec::new()));
}

/// What was logged since the last time.
pub(crate) fn take() -> String {
    let captured = CAPTURED.with_borrow_mut(|captured| captured.as_mut().map(std::mem::take));
    String::from_utf8(captured.unwrap()).unwrap()
}

struct Captured;

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        CAPTURED.with_borrow_mut(|captured| captured.iter_mut().for_each(|captured| captured.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
