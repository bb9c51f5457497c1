//! A small disk of one host, which can be filled: a tmpfs, which only root may mount.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

/// Several times what a host writes in the rounds of one cluster.
const DISK_MIB: usize = 1_024;

/// What the filling file is written in.
const PIECE_BYTES: usize = 1024 * 1024;

/// A mounted disk. It is unmounted when this is dropped.
#[derive(Debug)]
pub(super) struct Disk(PathBuf);

impl Disk {
    /// Mounts one at `folder`; `None` where this is not allowed, and then this says so.
    pub(super) fn mount(folder: &Path) -> Option<Self> {
        let size = format!("mode=0700,size={DISK_MIB}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "switchyard-crash"]).arg(folder).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(folder.to_owned())),
            _ => {
                eprintln!(
                    "A FULL DISK: NOT TESTED, because a small disk cannot be mounted here: only root may do that"
                );
                None
            }
        }
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Fills it to the last byte.
    pub(super) fn fill(&self) -> anyhow::Result<()> {
        let mut file = File::create(self.filler())?;
        let mut length = PIECE_BYTES;
        let piece = vec![0; length];
        while length > 0 {
            match file.write_all(piece.get(..length).context("a part of the piece")?) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => length /= 2,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Gives it its room back.
    pub(super) fn clear(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.filler())?)
    }

    /// Copies what is on it to `folder`.
    pub(super) fn copy_to(&self, folder: &Path) -> anyhow::Result<()> {
        let copied = Command::new("cp").arg("-r").arg(&self.0).arg(folder).status()?;
        anyhow::ensure!(copied.success(), "cannot copy {}", self.0.display());
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a process that is just being killed may still use it.
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} is still mounted", self.0.display());
        }
    }
}
