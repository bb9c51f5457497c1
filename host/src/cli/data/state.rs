//! `switchyard export` and `import`: the state of a service as lines of JSON, in the types of its contract.

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::arguments::{Export, Import};
use crate::cli::client::http::Answer;
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::cli::output::print;
use crate::cli::output::progress::Progress;
use crate::limits::STATE_LINES_MAX;

/// The lines of an export that are no entities.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", untagged)]
enum Frame {
    Head {
        #[serde(rename = "state")]
        _state: String,
    },
    End {
        end: Count,
    },
    Error {
        error: String,
    },
    Entity {
        key: String,
    },
}

#[derive(Debug, Deserialize)]
struct Count {
    entities: u64,
}

/// What batches have changed.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    added: u64,
    changed: u64,
    removed: u64,
    unchanged: u64,
}

/// The refusal of a batch for one of its entities.
#[derive(Debug, Deserialize)]
struct Refusal {
    /// Its index in the batch.
    entity: u64,
}

/// Writes all entities into a file, or to standard output.
pub(in crate::cli) fn export(target: &Target, command: &Export) -> Outcome {
    let mut out = Output::create(command.out.as_deref())?;
    let progress = Progress::work();
    let (mut end, mut entities, mut last) = (None, 0, None);
    let answered = Request::get(&["services", &command.service, "state"]).follow(target, |line| {
        let written = match serde_json::from_str(line).map_err(|error| Failure::new(Kind::Unreachable, error))? {
            Frame::Error { error } => return Err(Failure::text(Kind::Refused, error)),
            Frame::Head { .. } => out.line(line.trim_end()),
            Frame::Entity { key } => {
                entities += 1;
                progress.at(&key, entities, entities);
                last = Some(key);
                out.line(line.trim_end())
            }
            Frame::End { end: Count { entities } } => {
                end = Some(entities);
                out.line(line.trim_end())
            }
        };
        written.map_err(|error| unwritten(command.out.as_deref(), error))
    });
    progress.end();
    let reached = || match &last {
        Some(last) => format!("The export ends after {entities} entities, the last of them {last:?}. Export again."),
        None => "The export ends before its first entity. Export again.".into(),
    };
    if let Some(refusal) = answered.map_err(|failure| failure.next(reached()))? {
        return refusal.accepted(command.host.json).map(|answer| answer.text());
    }
    let Some(entities) = end else {
        let ended = Failure::text(Kind::Unreachable, "the host ended before the export was complete");
        return Err(ended.next(reached()));
    };
    out.finish().map_err(|error| unwritten(command.out.as_deref(), error))?;
    Ok(match &command.out {
        Some(path) => format!("{} has {} entities of {}", path.display(), entities, command.service),
        None => String::new(),
    })
}

fn unwritten(path: Option<&Path>, error: io::Error) -> Failure {
    let name = path.map_or_else(|| "standard output".into(), |path| path.display().to_string());
    Failure::text(Kind::Refused, format!("cannot write {name}: {error}"))
}

/// A file that is written.
enum ExportFile {
    Plain(BufWriter<File>),
    Compressed(GzEncoder<BufWriter<File>>),
}

/// Where an export goes. A file has its name only when it is complete; before, it is deleted with this.
enum Output {
    Standard(io::Stdout),
    File { path: PathBuf, part: Part, file: ExportFile },
}

/// The path of an incomplete file, which is deleted when this is dropped.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                print::error(&format!("warning: {} cannot be deleted: {error}", self.0.display()));
            }
            _ => {}
        }
    }
}

impl Output {
    fn create(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::Standard(io::stdout())) };
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        // The export of another process must not be deleted, nor written over.
        if part.exists() {
            let text = format!("{} exists: another export writes it, or one was killed", part.display());
            return Err(Failure::text(Kind::Refused, text).next("Delete it if no export runs."));
        }
        // Entities may have password hashes and tokens in them: the file is for its owner alone.
        let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
        let file = BufWriter::new(created.map_err(|error| unwritten(Some(&part), error))?);
        let file = match is_compressed(path) {
            true => ExportFile::Compressed(GzEncoder::new(file, Compression::default())),
            false => ExportFile::Plain(file),
        };
        Ok(Self::File { path: path.into(), part: Part(part), file })
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        let out: &mut dyn Write = match self {
            Self::Standard(out) => out,
            Self::File { file: ExportFile::Plain(file), .. } => file,
            Self::File { file: ExportFile::Compressed(file), .. } => file,
        };
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Standard(mut out) => out.flush(),
            Self::File { path, part, file } => {
                let file = match file {
                    ExportFile::Plain(file) => file,
                    ExportFile::Compressed(file) => file.finish()?,
                };
                file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
                // Then there is no such file any more that could be deleted.
                std::fs::rename(&part.0, path)
            }
        }
    }
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

/// Sends the entities of a file, batch by batch.
pub(in crate::cli) fn import(target: &Target, command: &Import) -> Outcome {
    let unreadable =
        |error: io::Error| Failure::text(Kind::Usage, format!("cannot read {}: {error}", command.file.display()));
    let file = File::open(&command.file).map_err(unreadable)?;
    let reader: Box<dyn BufRead> = match is_compressed(&command.file) {
        true => Box::new(BufReader::new(MultiGzDecoder::new(file))),
        false => Box::new(BufReader::new(file)),
    };
    let progress = Progress::work();
    let mut import =
        Batches { target, command, report: Report::default(), batch: String::new(), lines: Vec::new(), is_first: true };
    for (number, line) in (1_u64..).zip(reader.lines()) {
        let line = line.map_err(unreadable)?;
        if number < command.from_line || line.trim().is_empty() {
            continue;
        }
        let wrong = |error: serde_json::Error| {
            Failure::text(Kind::Usage, format!("{}, line {number}: {error}", command.file.display()))
        };
        let value: Value = serde_json::from_str(&line).map_err(wrong)?;
        if value.get("key").is_none() {
            if value.get("state").is_some() || value.get("end").is_some() {
                continue;
            }
            let expected = "neither an entity nor a line of an export: write {\"key\": …, \"value\": …}";
            return Err(Failure::text(Kind::Usage, format!("{}, line {number}: {expected}", command.file.display())));
        }
        import.batch.push_str(&line);
        import.batch.push('\n');
        import.lines.push(number);
        if import.lines.len() >= STATE_LINES_MAX || import.batch.len() >= BATCH_BYTES {
            import.send()?;
            progress.at(&format!("line {number}"), number, number);
        }
    }
    import.send()?;
    progress.end();
    let Report { added, changed, removed, unchanged } = import.report;
    if command.host.json {
        return serde_json::to_string(&import.report).map_err(|error| Failure::new(Kind::Refused, error));
    }
    let verb = if command.dry_run { "would be" } else { "were" };
    Ok(format!(
        "{}: {added} entities {verb} added, {changed} changed, {removed} removed; {unchanged} are the same already",
        command.service
    ))
}

/// Bytes of the lines of one batch: less than the host reads of a body.
const BATCH_BYTES: usize = 512 * 1024;

/// The batches of an import.
struct Batches<'a> {
    target: &'a Target,
    command: &'a Import,
    report: Report,
    batch: String,
    /// The numbers of the lines in the batch.
    lines: Vec<u64>,
    is_first: bool,
}

impl Batches<'_> {
    fn send(&mut self) -> Result<(), Failure> {
        let Some(first) = self.lines.first().copied() else { return Ok(()) };
        let request = Request::post(&["services", &self.command.service, "state"])
            .flag("dryRun", self.command.dry_run)
            .flag("first", self.is_first)
            .query("reason", self.command.reason.iter())
            .body("application/x-ndjson", std::mem::take(&mut self.batch).into_bytes().into());
        let answered = request.send(self.target);
        let line = answered.as_ref().ok().and_then(|answer| self.faulty_line(answer));
        let fault = line.map_or_else(String::new, |line| format!("The fault is in line {line}. "));
        let resume = format!(
            "{fault}Lines before {first} are imported. After the repair, continue with `--from-line {first}`; repeating lines does no harm."
        );
        let answered = answered.and_then(|answer| answer.accepted(self.command.host.json));
        let report: Report = answered.and_then(|answer| answer.read()).map_err(|failure| failure.next(resume))?;
        self.report.added += report.added;
        self.report.changed += report.changed;
        self.report.removed += report.removed;
        self.report.unchanged += report.unchanged;
        self.lines.clear();
        self.is_first = false;
        Ok(())
    }

    /// The line of the file in which the host has found a fault.
    fn faulty_line(&self, answer: &Answer) -> Option<u64> {
        let Refusal { entity } = answer.read().ok()?;
        self.lines.get(usize::try_from(entity).ok()?).copied()
    }
}
