use super::*;

#[test]
fn progress_can_be_shown() {
    let shown = Shown::new(5);
    shown.tell(Progress::Opened { took: std::time::Duration::from_millis(3) });
    shown.end();
}
