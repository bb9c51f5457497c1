//! Folders and files that only the host's own user may change, because anybody who can write there could run code as
//! the host.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::geteuid;

/// The bits of a mode that let other users write.
const OTHERS_WRITE: u32 = 0o022;

/// Why the host does not use a folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("cannot create or read the folder {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is a symbolic link: replace it by the folder, or name its target", path.display())]
    Link { path: PathBuf },
    #[error("{} is not a folder", path.display())]
    NotAFolder { path: PathBuf },
    #[error(
        "{} belongs to user {owner}, and the host runs as user {user}: type `chown -R {user} {}`, or run it as user {owner}",
        path.display(), path.display()
    )]
    Owner { path: PathBuf, owner: u32, user: u32 },
    #[error("others may write to {} (mode {mode:o}): type `chmod go-w {}`", path.display(), path.display())]
    Mode { path: PathBuf, mode: u32 },
}

/// Creates the folder `path`, open to its owner only, unless it exists; it must belong to the user of the host, and
/// nobody else may write to it. The path may lead through symbolic links, but must not be one.
///
/// # Errors
///
/// [`FolderError`], with the command to type.
pub fn private_folder(path: &Path) -> Result<(), FolderError> {
    let failed = |source| FolderError::Io { path: path.into(), source };
    let path = path.to_owned();
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
        Ok(found) if found.is_symlink() => return Err(FolderError::Link { path }),
        Ok(found) if !found.is_dir() => return Err(FolderError::NotAFolder { path }),
        Ok(_) => {}
    }
    let found = path.symlink_metadata().map_err(failed)?;
    let (owner, user, mode) = (found.uid(), geteuid().as_raw(), found.mode() & 0o7777);
    if owner != user {
        return Err(FolderError::Owner { path, owner, user });
    }
    if mode & OTHERS_WRITE != 0 {
        return Err(FolderError::Mode { path, mode });
    }
    Ok(())
}

/// Opens a file that only the user of the host can have written; `None` when others can write to it, or it is not a
/// file.
///
/// # Errors
///
/// When it is a symbolic link, or cannot be opened.
pub(super) fn open_private(path: &Path) -> io::Result<Option<File>> {
    let nofollow = i32::try_from(OFlags::NOFOLLOW.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(nofollow).open(path)?;
    Ok(is_private(&file.metadata()?).then_some(file))
}

fn is_private(found: &Metadata) -> bool {
    found.is_file() && found.uid() == geteuid().as_raw() && found.mode() & OTHERS_WRITE == 0
}
