//! How a service stands: what runs, what waits to run, and the way back.

use super::documents::{Candidate, Phase, Release, Service};
use super::figures::{percent, short, utc};

/// What runs now, what ran before, what is a candidate, and the commands that go on from here.
pub(super) fn text(service: &Service) -> String {
    let name = &service.name;
    let mut lines = vec![match &service.live {
        Some(live) => format!("{name} runs {}", named(live)),
        None => format!("{name} has no live release"),
    }];
    match (&service.candidate, service.kept.first()) {
        (Some(candidate), _) => {
            lines.push(format!("  candidate:     {}", named(&candidate.release)));
            lines.push(format!("  it gets:       {}", part(candidate)));
            lines.push(format!("  watch it:      switchyard status {name} --watch"));
            lines.push(format!("  decide:        switchyard promote {name}, or switchyard abort {name}"));
        }
        (None, Some(before)) => {
            lines.push(format!("  before it:     {}", named(before)));
            lines.push(format!("  the way back:  switchyard rollback {name}"));
        }
        (None, None) => {}
    }
    lines.join("\n")
}

/// A release by its digest and number.
pub(super) fn named(release: &Release) -> String {
    match release.number {
        Some(number) => format!("{} (release {number})", release.digest),
        None => release.digest.clone(),
    }
}

/// Which calls a candidate gets, and when it gets more.
pub(super) fn part(candidate: &Candidate) -> String {
    let mut text = match candidate.phase {
        Phase::Shadow => {
            let share = candidate.shadow.as_ref().map_or(candidate.share, |shadow| shadow.share);
            format!("a copy of {} of the calls", percent(share))
        }
        Phase::Canary => format!("{} of the calls", percent(candidate.share)),
    };
    if let Some(header) = &candidate.header {
        text.push_str(&format!(", those with {}: {}", header.name, header.value));
    }
    if !candidate.steps.is_empty() {
        text.push_str(&format!(", step {} of {}", candidate.step.saturating_add(1), candidate.steps.len()));
    }
    if let Some(at) = &candidate.next_step_at {
        text.push_str(&format!(", the next at {} UTC", utc(at)));
    }
    text
}

/// A candidate in few words.
pub(super) fn brief(candidate: &Candidate) -> String {
    let digest = short(&candidate.release.digest);
    match candidate.phase {
        Phase::Shadow => format!("{digest} shadow"),
        Phase::Canary => format!("{digest} {}", percent(candidate.share)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(service: Value) -> String {
        text(&serde_json::from_value(service).expect("a service"))
    }

    #[test]
    fn the_way_back_is_told_where_there_is_one() {
        assert_eq!(told(json!({"name": "cart"})), "cart has no live release");
        let mut service = json!({"name": "cart", "live": {"number": 3, "digest": "sha256:cc"}});
        assert_eq!(told(service.clone()), "cart runs sha256:cc (release 3)");
        service["kept"] = json!([{"number": 2, "digest": "sha256:bb"}, {"number": 1, "digest": "sha256:aa"}]);
        let expected = "\
cart runs sha256:cc (release 3)
  before it:     sha256:bb (release 2)
  the way back:  switchyard rollback cart";
        assert_eq!(told(service), expected);
    }

    #[test]
    fn a_candidate_is_told_with_its_part_of_the_calls() {
        let service = json!({
            "name": "cart", "live": {"number": 2, "digest": "sha256:bb"}, "kept": [{"number": 1, "digest": "sha256:aa"}],
            "candidate": {"number": 3, "digest": "sha256:cc", "phase": "canary", "share": 0.1,
                "header": {"name": "x-cart", "value": "next"}, "steps": [0.01, 0.1, 0.5], "step": 1,
                "everySeconds": 120, "nextStepAt": "2026-01-02T03:04:05Z"},
        });
        let expected = "\
cart runs sha256:bb (release 2)
  candidate:     sha256:cc (release 3)
  it gets:       10% of the calls, those with x-cart: next, step 2 of 3, the next at 2026-01-02 03:04:05 UTC
  watch it:      switchyard status cart --watch
  decide:        switchyard promote cart, or switchyard abort cart";
        assert_eq!(told(service), expected);
    }

    #[test]
    fn a_shadow_gets_copies() {
        let shadow: Candidate = serde_json::from_value(json!({
            "digest": "sha256:0123456789abcdef", "phase": "shadow", "share": 0, "shadow": {"share": 1.0, "compared": 0}
        }))
        .expect("a candidate");
        assert_eq!(part(&shadow), "a copy of 100% of the calls");
        assert_eq!(brief(&shadow), "0123456789ab shadow");
    }
}
