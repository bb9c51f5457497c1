//! Finds a file in the assets' folder, with its metadata and the compressed forms beside it.
//!
//! These functions may wait for the disk, so they run where blocking is allowed.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use hyper::header::HeaderValue;

use super::kind;
use super::path::AssetPath;
use super::settings::AssetSettings;
use crate::gateway::request::accept::Coding;
use crate::gateway::response::compress;
use crate::gateway::response::conditions::Validators;
use crate::limits::ASSET_CACHED_BYTES_MAX;

/// A file that can be served.
#[derive(Debug)]
pub(in crate::gateway) struct Asset {
    pub(super) content_type: HeaderValue,
    pub(super) cache_control: HeaderValue,
    pub(super) plain: Form,
    /// Its compressed forms; those that usually are smallest come first.
    pub(super) compressed: Vec<(Coding, Form)>,
}

/// One form of a file: plain or compressed.
#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) validators: Validators,
    /// The whole content, if the file is small.
    pub(super) content: Option<Bytes>,
}

/// The result of looking up a path.
#[derive(Debug)]
pub(super) enum Lookup {
    File(Arc<Asset>),
    /// A directory with an index, requested without the trailing slash.
    Directory,
    Nothing,
}

impl Asset {
    fn forms(&self) -> impl Iterator<Item = &Form> {
        std::iter::once(&self.plain).chain(self.compressed.iter().map(|(_, form)| form))
    }

    pub(super) fn bytes_held(&self) -> usize {
        self.forms().filter_map(|form| form.content.as_ref()).map(Bytes::len).sum()
    }

    pub(super) fn is_in_memory(&self) -> bool {
        self.forms().all(|form| form.content.is_some())
    }
}

/// Looks up `asked` under `root`, which is canonical. Unchanged forms are reused from `before`.
pub(super) fn look_up(
    root: &Path,
    asked: &AssetPath,
    before: Option<&Asset>,
    settings: AssetSettings,
) -> io::Result<Lookup> {
    let Some((mut path, mut metadata)) = resolve(root, &asked.relative)? else { return Ok(Lookup::Nothing) };
    match (metadata.is_dir(), asked.directory) {
        (true, _) => {
            let index = resolve(root, &asked.relative.join("index.html"))?;
            let Some((index, index_metadata)) = index.filter(|(_, metadata)| metadata.is_file()) else {
                return Ok(Lookup::Nothing);
            };
            if !asked.directory {
                return Ok(Lookup::Directory);
            }
            (path, metadata) = (index, index_metadata);
        }
        // Opens only regular files: a pipe would wait for its writer.
        (false, false) if metadata.is_file() => {}
        (false, _) => return Ok(Lookup::Nothing),
    }
    let name = if asked.directory { asked.relative.join("index.html") } else { asked.relative.clone() };
    let written = modified_nanos(&metadata);
    let (content_type, cache_control) = (kind::content_type(&name), kind::cache_control(&name, settings.max_age_s));
    let plain = Form::read(path, &metadata, None, before.map(|before| &before.plain))?;
    let mut compressed = Vec::new();
    for coding in Coding::ALL {
        let mut sibling = name.clone().into_os_string();
        sibling.push(suffix(coding));
        let known = before.and_then(|before| before.compressed.iter().find(|(known, _)| *known == coding));
        let known = known.map(|(_, form)| form);
        // A compressed form that is older than its file belongs to an earlier version of it.
        let found = resolve(root, Path::new(&sibling))?;
        let found = found.filter(|(_, found)| found.is_file() && modified_nanos(found) >= written);
        let form = match found {
            Some((path, metadata)) => Some(Form::read(path, &metadata, Some(coding), known)?),
            None if kind::is_compressible(&content_type) && plain.bytes >= settings.compress_bytes_min as u64 => {
                plain.compressed(&metadata, coding, known)
            }
            None => None,
        };
        compressed.extend(form.map(|form| (coding, form)));
    }
    Ok(Lookup::File(Arc::new(Asset { content_type, cache_control, plain, compressed })))
}

/// The canonical path and metadata of `relative`; `None` if nothing exists there, or a link leaves the folder.
fn resolve(root: &Path, relative: &Path) -> io::Result<Option<(PathBuf, Metadata)>> {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound, PermissionDenied};
    let found = fs::canonicalize(root.join(relative)).and_then(|path| Ok((fs::metadata(&path)?, path)));
    match found {
        Ok((metadata, path)) => Ok(path.starts_with(root).then_some((path, metadata))),
        Err(error) => match error.kind() {
            NotFound | NotADirectory | PermissionDenied | InvalidFilename => Ok(None),
            // A cycle of links counts as a missing file.
            _ if error.raw_os_error() == Some(libc::ELOOP) => Ok(None),
            _ => Err(error),
        },
    }
}

impl Form {
    fn read(path: PathBuf, metadata: &Metadata, coding: Option<Coding>, before: Option<&Self>) -> io::Result<Self> {
        let validators = validators(metadata, coding);
        if let Some(before) = before.filter(|before| before.validators == validators && before.path == path) {
            return Ok(before.clone());
        }
        let mut form = Self { path, bytes: metadata.len(), validators, content: None };
        if usize::try_from(form.bytes).is_ok_and(|bytes| bytes <= ASSET_CACHED_BYTES_MAX) {
            let content = fs::read(&form.path)?;
            // The file may have changed meanwhile; the content that was read is then served once.
            form.bytes = content.len() as u64;
            form.content = Some(Bytes::from(content));
        }
        Ok(form)
    }
}

impl Form {
    /// This form compressed, in memory, if the form itself is in memory; `None` if that does not make it smaller.
    fn compressed(&self, metadata: &Metadata, coding: Coding, before: Option<&Self>) -> Option<Self> {
        let validators = validators(metadata, Some(coding));
        if let Some(before) = before.filter(|before| before.validators == validators && before.path == self.path) {
            return Some(before.clone());
        }
        let plain = self.content.as_ref()?;
        let content = compress::densely(plain, coding).ok().filter(|content| content.len() < plain.len())?;
        let (bytes, content) = (content.len() as u64, Some(Bytes::from(content)));
        Some(Self { path: self.path.clone(), bytes, validators, content })
    }
}

/// The length and the modification time, to the nanosecond, distinguish the versions of a file.
pub(super) fn validators(metadata: &Metadata, coding: Option<Coding>) -> Validators {
    let nanos = modified_nanos(metadata);
    let (dash, coding) = coding.map_or(("", ""), |coding| ("-", coding.name()));
    let etag = format!("\"{:x}-{nanos:x}{dash}{coding}\"", metadata.len());
    Validators {
        etag: HeaderValue::from_str(&etag).expect("hex digits and names of codings are allowed in a header"),
        modified_s: i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX),
    }
}

fn modified_nanos(metadata: &Metadata) -> u128 {
    let modified = metadata.modified().ok().and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
    modified.unwrap_or_default().as_nanos()
}

fn suffix(coding: Coding) -> &'static str {
    match coding {
        Coding::Brotli => ".br",
        Coding::Zstd => ".zst",
        Coding::Gzip => ".gz",
    }
}
