use super::*;

#[test]
fn progress_can_be_shown() {
    let bar = ProgressBar::with_draw_target(Some(10), indicatif::ProgressDrawTarget::hidden()).with_style(sending());
    let progress = Progress { bar, then: "the host compiles it".into() };
    progress.sent(4);
    assert_eq!(progress.bar.message(), "");
    progress.sent(6);
    assert_eq!(progress.bar.message(), "the host compiles it");
    progress.end();
}
