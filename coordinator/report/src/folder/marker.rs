//! The marker of a folder: a file that names the sweep and Basin's files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path};

use basin_domain::id::SweepId;
use serde::{Deserialize, Serialize};

use super::error::{FolderError, file_error};
use super::temporary;
use crate::export_format::ExportFormat;

/// The marker's name.
pub(super) const FILE_NAME: &str = ".basin-output.json";

/// The files that are written together: each set is written as a whole, and leaves the others alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSet {
    /// Tables, figures, page.
    Report,
    /// The runs' own files, fetched from the store.
    Runs,
    /// An export in this form.
    Export(ExportFormat),
}

/// The marker's content. Names are relative to the folder, with `/` between their parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marker {
    /// The kind of folder, so that no other program's file is taken for this.
    #[serde(rename = "what")]
    pub(super) kind: MarkerKind,
    /// The sweep whose folder it is.
    pub(super) sweep: SweepId,
    /// The files of [`FileSet::Report`].
    #[serde(default)]
    pub(super) report: BTreeSet<String>,
    /// The files of [`FileSet::Runs`].
    #[serde(default)]
    pub(super) runs: BTreeSet<String>,
    /// The files of each [`FileSet::Export`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) exports: BTreeMap<ExportFormat, BTreeSet<String>>,
}

/// The only kind of folder that is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum MarkerKind {
    /// A folder of a sweep's results.
    #[serde(rename = "output of basin")]
    Output,
}

impl Marker {
    /// The marker of a folder of `sweep` without files.
    pub(super) fn of(sweep: &SweepId) -> Self {
        Self {
            kind: MarkerKind::Output,
            sweep: sweep.clone(),
            report: BTreeSet::new(),
            runs: BTreeSet::new(),
            exports: BTreeMap::new(),
        }
    }

    /// The sets that have files, or may have.
    pub(super) fn sets(&self) -> Vec<FileSet> {
        let exports = self.exports.keys().map(|format| FileSet::Export(*format));
        [FileSet::Report, FileSet::Runs].into_iter().chain(exports).collect()
    }

    /// The files of a set.
    pub(super) fn files_of(&mut self, set: FileSet) -> &mut BTreeSet<String> {
        match set {
            FileSet::Report => &mut self.report,
            FileSet::Runs => &mut self.runs,
            FileSet::Export(format) => self.exports.entry(format).or_default(),
        }
    }

    /// Whether it names a file.
    pub(super) fn names(&self, file: &str) -> bool {
        let mut exports = self.exports.values();
        self.report.contains(file) || self.runs.contains(file) || exports.any(|files| files.contains(file))
    }

    /// Every file that it names.
    pub(super) fn files(&self) -> impl Iterator<Item = &String> {
        self.report.iter().chain(&self.runs).chain(self.exports.values().flatten())
    }
}

/// The marker of a folder, if it has one.
///
/// # Errors
/// If it can't be read, or isn't a marker.
pub(super) fn read(folder: &Path) -> Result<Option<Marker>, FolderError> {
    let path = folder.join(FILE_NAME);
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
    let outside = marker
        .files()
        .find(|file| !is_within(file))
        .map(|file| format!("`{file}` is no file of this folder"));
    match outside {
        Some(why) => Err(damaged(why)),
        None => Ok(Some(marker)),
    }
}

/// Writes the marker in one step; whether it was written: not over another one, unless it `replaces` it.
pub(super) fn write(folder: &Path, marker: &Marker, replaces: bool) -> Result<bool, FolderError> {
    let path = folder.join(FILE_NAME);
    let write = || {
        let mut file = tempfile::Builder::new()
            .prefix(".basin-output.")
            .suffix(temporary::SUFFIX)
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
