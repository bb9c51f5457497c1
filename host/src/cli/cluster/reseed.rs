//! `switchyard cluster reseed`: writes a lost or damaged stream again from this host's data directory, without the host.

#[cfg(test)]
mod tests;

use serde_json::json;

use crate::cli::arguments::{Host, Reseed as Arguments};
use crate::cli::host::config::load;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::cli::output::format::bytes;
use crate::cli::output::print;
use crate::cli::output::progress::Progress;
use crate::config::Flags;
use crate::names::hex;
use crate::platform::Reseed;
use crate::store::{ReseedError, ReseedPlan, StreamState};

/// The next step when the stream or a copy has more than this host.
const HIGHER: &str = "Run it on the host with the highest commit: `switchyard cluster reseed --plan` shows that of each. If no host \
                      has these commits any more, --lose-commits gives them up.";

pub(super) fn run(host: &Host, arguments: &Arguments, confirm: impl Fn(&str, bool) -> Result<(), Failure>) -> Outcome {
    let flags = Flags { data: host.data.clone(), ..Flags::default() };
    let manifest = load(&host.manifest.manifest, flags)?.manifest;
    if !manifest.cluster.is_on() {
        let failure = Failure::text(Kind::Usage, "the manifest lists no `cluster.servers`: this host is in no cluster");
        return Err(failure.next("Name the manifest of a host of the cluster with --manifest FILE."));
    }
    let progress = Progress::waiting();
    progress.say("reading the stream");
    let examined = Reseed::examine(&manifest);
    progress.end();
    let reseed = examined.map_err(refused)?;
    let plan = reseed.plan();
    let shown = |reseeded| if host.json { document(plan, reseeded).to_string() } else { text(plan) };
    judge(plan, arguments).map_err(|failure| failure.with_result(shown(false)))?;
    if arguments.plan {
        return Ok(shown(false));
    }
    if !host.json {
        print::error(&text(plan));
    }
    let result = || if host.json { shown(false) } else { String::new() };
    confirm(&question(plan), arguments.yes).map_err(|failure| failure.with_result(result()))?;
    let progress = Progress::work();
    let done = reseed.carry_out(&|done, total| progress.at("the copy of this host's stores", done, total));
    progress.end();
    done.map_err(refused)?;
    if host.json {
        return Ok(shown(true));
    }
    Ok(format!(
        "The stream goes on after commit {}. Start the hosts again: those with fewer commits load what they lack.",
        plan.local().number.0
    ))
}

fn refused(error: ReseedError) -> Failure {
    Failure::new(Kind::Refused, error)
}

/// Whether the plan may be carried out, or shown as one.
fn judge(plan: &ReseedPlan, arguments: &Arguments) -> Result<(), Failure> {
    if plan.problem().is_none() {
        let detail = "nothing is wrong with the stream: every host can follow it";
        return Err(Failure::text(Kind::NotNeeded, detail).next("Start the hosts. Nothing was changed."));
    }
    if arguments.plan {
        return Ok(());
    }
    if let Some(leader) = plan.leader() {
        let detail = format!("{leader} leads the cluster and writes to the stream");
        return Err(
            Failure::text(Kind::Refused, detail).next("Stop all hosts first: what they commit now would be lost.")
        );
    }
    match plan.losses() {
        [] => Ok(()),
        _ if arguments.lose_commits => Ok(()),
        losses => {
            let detail = format!("commits would be lost that this host does not have: {}", losses.join("; "));
            Err(Failure::text(Kind::Refused, detail).next(HIGHER))
        }
    }
}

fn question(plan: &ReseedPlan) -> String {
    let number = plan.local().number.0;
    let lost = match plan.losses() {
        [] => String::new(),
        losses => format!(" Lost for good: {}.", losses.join("; ")),
    };
    format!("Delete the stream, and write it again so that it goes on after commit {number} of this host?{lost}")
}

fn text(plan: &ReseedPlan) -> String {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let local = plan.local();
    let mut rows = vec![
        row(
            "this host",
            format!("commits up to {}, epoch {}, hash {}", local.number.0, local.epoch.0, hex(&local.hash.0)),
        ),
        row("stream", plan.stream().map_or_else(|| "there is none".into(), |state| stream(plan, &state))),
    ];
    let copies: Vec<_> = plan.copies().map(|(name, number)| format!("{name} has the commits up to {number}")).collect();
    rows.push(row("copies", if copies.is_empty() { "there is none".into() } else { copies.join("; ") }));
    rows.extend(plan.leader().map(|leader| row("leader", format!("{leader} writes to the stream"))));
    rows.push(row("problem", plan.problem().unwrap_or("none").to_owned()));
    if plan.problem().is_some() {
        rows.push(row("kept", format!("the commits up to {} of this host", local.number.0)));
        let lost = if plan.losses().is_empty() { "nothing that is known".into() } else { plan.losses().join("; ") };
        rows.push(row("lost", lost));
    }
    print::table(&rows, |_| false)
}

fn stream(plan: &ReseedPlan, state: &StreamState) -> String {
    let StreamState { first, last, bytes: size, .. } = *state;
    if last < first {
        return format!("no messages; the next one is {first}");
    }
    let commits = match state.commit {
        Some((number, epoch)) => format!("commits up to {number}, epoch {epoch}"),
        None => "its last message cannot be read".into(),
    };
    let other = state.journal.filter(|journal| *journal != plan.journal());
    let other = other.map(|journal| format!(", of the other journal {journal}")).unwrap_or_default();
    format!("messages {first} to {last}, {}, {commits}{other}", bytes(size))
}

fn document(plan: &ReseedPlan, reseeded: bool) -> serde_json::Value {
    let local = plan.local();
    let stream = plan.stream().map(|state| {
        json!({
            "first": state.first,
            "last": state.last,
            "bytes": state.bytes,
            "commit": state.commit.map(|(number, _)| number),
            "epoch": state.commit.map(|(_, epoch)| epoch),
            "journal": state.journal.map(|journal| journal.to_string()),
        })
    });
    let copies: Vec<_> = plan.copies().map(|(name, number)| json!({ "copy": name, "commit": number })).collect();
    json!({
        "host": {
            "commit": local.number.0,
            "epoch": local.epoch.0,
            "hash": hex(&local.hash.0),
            "message": local.sequence.0,
            "journal": plan.journal().to_string(),
        },
        "stream": stream,
        "copies": copies,
        "leader": plan.leader(),
        "problem": plan.problem(),
        "losses": plan.losses(),
        "reseeded": reseeded,
    })
}
