//! The file with the headers that a collector demands: a line `name: value` for each. It holds secrets.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use crate::limits::TELEMETRY_HEADERS_BYTES_MAX;

/// Why the headers cannot be used. It never has a value, which may be secret.
#[derive(Debug, thiserror::Error)]
pub enum HeadersFileError {
    #[error("cannot read the headers for the collector in {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} is larger than {} bytes", path.display(), TELEMETRY_HEADERS_BYTES_MAX)]
    TooLarge { path: PathBuf },
    #[error("{}:{line} is no header: write for example `authorization: Bearer …`", path.display())]
    Malformed { path: PathBuf, line: usize },
}

/// Reads the headers in the file `path`. Empty lines, and lines that begin with `#`, are ignored.
///
/// # Errors
///
/// [`HeadersFileError`].
pub fn read_headers(path: &Path) -> Result<HeaderMap, HeadersFileError> {
    let read = |source| HeadersFileError::Read { path: path.into(), source };
    let file = File::open(path).map_err(read)?;
    if file.metadata().map_err(read)?.permissions().mode() & 0o077 != 0 {
        let path = path.display();
        tracing::warn!(%path, "other users can read the headers for the collector: run chmod 600 on their file");
    }
    let mut text = String::new();
    // One byte over the limit shows that the file is too large.
    file.take(TELEMETRY_HEADERS_BYTES_MAX + 1).read_to_string(&mut text).map_err(read)?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > TELEMETRY_HEADERS_BYTES_MAX) {
        return Err(HeadersFileError::TooLarge { path: path.into() });
    }
    let mut headers = HeaderMap::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let (name, value) =
            header(line).ok_or_else(|| HeadersFileError::Malformed { path: path.into(), line: index + 1 })?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    let mut value = HeaderValue::from_str(value.trim()).ok()?;
    value.set_sensitive(true);
    Some((name.trim().parse().ok()?, value))
}
