//! The folder that a report goes to: whose it is, and which of its files are Basin's.
//!
//! A marker in the folder, `.basin-output.json`, names the sweep and every file that Basin wrote, or is about to write: it is
//! there before the first file and changes in one step. So a folder is Basin's from the first moment to the last, whatever
//! is killed when; files that it doesn't name are never touched.

mod error;
mod legacy;
mod marker;
pub(super) mod temporary;

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use basin_domain::id::SweepId;

pub use error::FolderError;
pub use marker::FileSet;
use marker::Marker;

/// A file that is being written for longer than this was left by a process that was killed.
const ABANDONED_AFTER: Duration = Duration::from_secs(60 * 60);

/// A folder that is this sweep's.
#[derive(Debug)]
pub struct OutputFolder {
    path: PathBuf,
    marker: Marker,
}

/// The treatment of a folder that is another sweep's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherSweepPolicy {
    /// It stays as it is, and is an error.
    Refuse,
    /// The files that Basin wrote there go.
    Clear,
}

impl OutputFolder {
    /// Makes the folder `path` this sweep's. It is made if it isn't there; it may be empty, or this sweep's already, or, if
    /// those may be cleared, another one's.
    ///
    /// # Errors
    /// If it holds files that aren't Basin's, or is another sweep's and may not be cleared, or can't be written.
    pub fn claim(path: &Path, sweep: &SweepId, policy: OtherSweepPolicy) -> Result<Self, FolderError> {
        fs::create_dir_all(path).map_err(error::file_error(path))?;
        loop {
            let found = match marker::read(path)? {
                Some(found) => found,
                None => match legacy::marker(path)? {
                    Some(legacy) => legacy,
                    None => {
                        let marker = Marker::of(sweep);
                        if marker::write(path, &marker, false)? {
                            return Ok(Self { path: path.to_owned(), marker });
                        }
                        // Somebody else's marker is there by now.
                        continue;
                    }
                },
            };
            return Self::of_marker(path, found, sweep, policy);
        }
    }

    fn of_marker(
        path: &Path,
        found: Marker,
        sweep: &SweepId,
        policy: OtherSweepPolicy,
    ) -> Result<Self, FolderError> {
        let is_other_sweeps = found.sweep != *sweep;
        if is_other_sweeps && policy == OtherSweepPolicy::Refuse {
            return Err(FolderError::OtherSweep { path: path.to_owned(), sweep: found.sweep });
        }
        let mut folder = Self { path: path.to_owned(), marker: Marker { sweep: sweep.clone(), ..found } };
        // It is this sweep's before anything goes, and names what is there until it is gone.
        folder.save_marker()?;
        if is_other_sweeps {
            for set in folder.marker.sets() {
                folder.finish(set, BTreeSet::new())?;
            }
        }
        Ok(folder)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says which files are about to be written.
    ///
    /// # Errors
    /// If one of them is there and isn't Basin's, or the marker can't be written.
    pub fn begin(&mut self, set: FileSet, files: &BTreeSet<String>) -> Result<(), FolderError> {
        let conflicts = |file: &&String| {
            !self.marker.names(file) && fs::symlink_metadata(self.path.join(file.as_str())).is_ok()
        };
        if let Some(file) = files.iter().find(conflicts) {
            return Err(FolderError::FileConflict { path: self.path.join(file) });
        }
        self.marker.files_of(set).extend(files.iter().cloned());
        self.save_marker()
    }

    /// Says that these files are the whole part, and removes what is left of an earlier one.
    ///
    /// # Errors
    /// If something can't be removed, or the marker not be written.
    pub fn finish(&mut self, set: FileSet, files: BTreeSet<String>) -> Result<(), FolderError> {
        let left: Vec<String> = self.marker.files_of(set).difference(&files).cloned().collect();
        for file in &left {
            self.remove(file)?;
        }
        self.remove_abandoned();
        *self.marker.files_of(set) = files;
        self.marker.exports.retain(|_, files| !files.is_empty());
        self.save_marker()
    }

    fn save_marker(&self) -> Result<(), FolderError> {
        marker::write(&self.path, &self.marker, true).map(drop)
    }

    /// Removes a file of ours, and the folders that are empty then.
    fn remove(&self, file: &str) -> Result<(), FolderError> {
        let path = self.path.join(file);
        let above = || path.ancestors().skip(1).take_while(|above| *above != self.path);
        // Files beyond a link aren't in this folder.
        if above().any(Path::is_symlink) {
            return Ok(());
        }
        match fs::remove_file(&path) {
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Err(error::file_error(&path)(error));
            }
            Ok(()) | Err(_) => {}
        }
        for folder in above() {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Removes what killed processes left half written. What can't be removed does no harm.
    fn remove_abandoned(&self) {
        for folder in [self.path.clone(), self.path.join("figures")] {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let is_old = |found: fs::Metadata| {
                    let age = SystemTime::now().duration_since(found.modified().ok()?).ok()?;
                    Some(found.is_file() && age > ABANDONED_AFTER)
                };
                let name = entry.file_name();
                let is_ours = temporary::is_temporary(&name.to_string_lossy(), |of| {
                    self.marker.files().any(|it| it.rsplit('/').next() == Some(of))
                });
                if is_ours && entry.metadata().ok().and_then(is_old) == Some(true) {
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
