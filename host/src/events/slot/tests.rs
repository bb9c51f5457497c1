use proptest::prelude::*;

use super::*;

const PERIOD: Duration = Duration::from_micros(10);

#[test]
fn a_run_is_due_in_the_slot_behind_its_last_one_and_once_where_some_were_missed() {
    for (last, now, next) in [
        (20, 20, 30),
        (20, 29, 30),
        (20, 30, 30),
        (20, 31, 30),
        // Three slots were missed: only the last one runs.
        (20, 57, 50),
        (50, 57, 60),
        // The period was changed.
        (24, 25, 30),
        (24, 30, 30),
        // The clock was set back: no slot runs again, however far.
        (30, 29, 40),
        (90, 25, 100),
    ] {
        assert_eq!(LastRun::none(last).next(PERIOD, now), next, "{last} {now}");
    }
}

proptest! {
    #[test]
    fn whatever_the_clock_does_slots_grow_and_a_jump_makes_up_one_run(
        steps in proptest::collection::vec((any::<bool>(), 0..200_u64), 1..60),
    ) {
        let (mut now, mut last) = (1_000_u64, LastRun::none(1_000));
        for (forward, by) in steps {
            now = if forward { now.saturating_add(by) } else { now.saturating_sub(by) };
            let mut runs = 0;
            loop {
                let next = last.next(PERIOD, now);
                prop_assert!(next > last.due_at);
                prop_assert_eq!(next % 10, 0);
                if next > now {
                    break;
                }
                (last, runs) = (LastRun::none(next), runs + 1);
            }
            prop_assert!(runs <= 1, "{} runs at {}", runs, now);
        }
    }
}
