//! The folder that a report goes to: whose it is, and which of its files are Basin's.
//!
//! A marker in the folder, `.basin-output.json`, names the sweep and every file that Basin wrote, or is about to write: it is
//! there before the first file and changes in one step. So a folder is Basin's from the first moment to the last, whatever
//! is killed when; files that it doesn't name are never touched.

mod error;
mod legacy;

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use basin_domain::id::SweepId;
use serde::{Deserialize, Serialize};

pub use error::FolderError;

/// The marker's name.
const MARKER: &str = ".basin-output.json";
/// The end of the names of files that are being written.
const TEMPORARY: &str = ".part";
/// What is being written for longer than this was left by a process that was killed.
const ABANDONED_AFTER: Duration = Duration::from_secs(60 * 60);

/// A folder that is this sweep's.
#[derive(Debug)]
pub struct OutputFolder {
    path: PathBuf,
    marker: Marker,
}

/// What to do with a folder that is another sweep's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherSweepPolicy {
    /// It stays as it is, and is an error.
    Refuse,
    /// What Basin wrote there goes.
    Clear,
}

/// The files that are written together: each set is written as a whole, and leaves the others alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSet {
    /// Tables, figures, page.
    Report,
    /// The runs' own files, fetched from the store.
    Runs,
}

/// What the marker says. Names are relative to the folder, with `/` between their parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Marker {
    /// What the folder is, so that no other program's file is taken for this.
    #[serde(rename = "what")]
    kind: MarkerKind,
    sweep: SweepId,
    #[serde(default)]
    report: BTreeSet<String>,
    #[serde(default)]
    runs: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum MarkerKind {
    #[serde(rename = "output of basin")]
    Output,
}

impl Marker {
    fn of(sweep: &SweepId) -> Self {
        Self {
            kind: MarkerKind::Output,
            sweep: sweep.clone(),
            report: BTreeSet::new(),
            runs: BTreeSet::new(),
        }
    }

    fn files_of(&mut self, set: FileSet) -> &mut BTreeSet<String> {
        match set {
            FileSet::Report => &mut self.report,
            FileSet::Runs => &mut self.runs,
        }
    }

    fn names(&self, file: &str) -> bool {
        self.report.contains(file) || self.runs.contains(file)
    }
}

impl OutputFolder {
    /// Makes the folder `path` this sweep's. It is made if it isn't there; it may be empty, or this sweep's already, or, if
    /// those may be cleared, another one's.
    ///
    /// # Errors
    /// If it holds files that aren't Basin's, or is another sweep's and may not be cleared, or can't be written.
    pub fn claim(path: &Path, sweep: &SweepId, policy: OtherSweepPolicy) -> Result<Self, FolderError> {
        fs::create_dir_all(path).map_err(file_error(path))?;
        loop {
            let found = match read_marker(path)? {
                Some(found) => found,
                None => match legacy::marker(path)? {
                    Some(legacy) => legacy,
                    None => {
                        let marker = Marker::of(sweep);
                        if write_marker(path, &marker, false)? {
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
            folder.finish(FileSet::Report, BTreeSet::new())?;
            folder.finish(FileSet::Runs, BTreeSet::new())?;
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
        self.save_marker()
    }

    fn save_marker(&self) -> Result<(), FolderError> {
        write_marker(&self.path, &self.marker, true).map(drop)
    }

    /// Removes a file of ours, and the folders that are empty then.
    fn remove(&self, file: &str) -> Result<(), FolderError> {
        let path = self.path.join(file);
        let above = || path.ancestors().skip(1).take_while(|above| *above != self.path);
        // What lies beyond a link isn't in this folder.
        if above().any(Path::is_symlink) {
            return Ok(());
        }
        match fs::remove_file(&path) {
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Err(file_error(&path)(error));
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
                let is_ours = is_temporary(&name.to_string_lossy(), |of| {
                    self.marker.report.iter().any(|it| it.rsplit('/').next() == Some(of))
                });
                if is_ours && entry.metadata().ok().and_then(is_old) == Some(true) {
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
    }
}

/// The name under which a file is written before it has its own.
pub(super) fn temporary_name(name: &str) -> String {
    format!(".{name}.{}{TEMPORARY}", std::process::id())
}

/// Whether a name is one of a file that is being written, of a name that `is_known`.
fn is_temporary(name: &str, is_known: impl Fn(&str) -> bool) -> bool {
    let inner = name.strip_prefix('.').and_then(|name| name.strip_suffix(TEMPORARY));
    inner.and_then(|name| name.rsplit_once('.')).is_some_and(|(of, tag)| {
        tag.bytes().all(|byte| byte.is_ascii_alphanumeric()) && (of == "basin-output" || is_known(of))
    })
}

/// For `map_err`: `path` can't be read or written.
fn file_error(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    move |source| FolderError::File { path: path.to_owned(), source }
}

fn read_marker(folder: &Path) -> Result<Option<Marker>, FolderError> {
    let path = folder.join(MARKER);
    let text = match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.map_err(file_error(&path))?,
    };
    let damaged = |why: String| FolderError::Marker { path: path.clone(), why };
    let marker: Marker = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    let is_within = |file: &String| {
        let mut parts = Path::new(file).components();
        !file.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
    };
    match marker.report.iter().chain(&marker.runs).find(|file| !is_within(file)) {
        Some(file) => Err(damaged(format!("`{file}` is no file of this folder"))),
        None => Ok(Some(marker)),
    }
}

/// Writes the marker in one step; whether it was written: not over another one, unless it `replaces` it.
fn write_marker(folder: &Path, marker: &Marker, replaces: bool) -> Result<bool, FolderError> {
    let path = folder.join(MARKER);
    let write = || {
        let mut file = tempfile::Builder::new()
            .prefix(".basin-output.")
            .suffix(TEMPORARY)
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        serde_json::to_writer_pretty(&mut file, marker)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        if replaces {
            return file.persist(&path).map(|_| true).map_err(|error| error.error);
        }
        match file.persist_noclobber(&path) {
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
            written => written.map(|_| true).map_err(|error| error.error),
        }
    };
    write().map_err(file_error(&path))
}

#[cfg(test)]
mod tests;
