//! Folders of versions of Basin that left no marker. Only one that holds exactly what those wrote, and a page that says of
//! which sweep, is taken for one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use basin_domain::id::SweepId;
use basin_domain::key;

use super::error::{FolderError, file_error};
use super::marker::{Marker, MarkerKind};
use super::temporary::is_temporary;

/// The files of a report.
const FILES: [&str; 7] = [
    "index.html",
    "results.csv",
    "results.parquet",
    "series.csv.zst",
    "provenance.csv",
    "claims.csv",
    "claims.json",
];
/// How much of the page is looked at for its title.
const HEAD: usize = 4_096;

/// The marker that the folder would have; none if it is empty.
///
/// # Errors
/// [`FolderError::ForeignFiles`] if it holds anything else.
pub(super) fn marker(folder: &Path) -> Result<Option<Marker>, FolderError> {
    let mut files = Vec::new();
    collect(folder, "", &mut files)?;
    let Some(first) = files.first() else { return Ok(None) };
    let foreign = |file: &str| FolderError::ForeignFiles { path: folder.to_owned(), file: file.to_owned() };
    if let Some(file) = files.iter().find(|file| !is_known(file)) {
        return Err(foreign(file));
    }
    let Some(sweep) = sweep_of_page(&folder.join("index.html")) else { return Err(foreign(first)) };
    let (runs, report) = files.into_iter().partition(|file| file.starts_with("results/"));
    Ok(Some(Marker { kind: MarkerKind::Output, sweep, report, runs, exports: BTreeMap::new() }))
}

/// All files below a folder, but those that are being written; a link and an empty folder count as a file.
fn collect(folder: &Path, within: &str, files: &mut Vec<String>) -> Result<(), FolderError> {
    let mut entries: Vec<_> =
        fs::read_dir(folder).and_then(Iterator::collect::<Result<_, _>>).map_err(file_error(folder))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    if entries.is_empty() && !within.is_empty() {
        files.push(within.trim_end_matches('/').to_owned());
    }
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{within}{name}");
        // A file system's own, where the folder is a whole volume.
        if path == "lost+found" {
            continue;
        }
        if entry.file_type().map_err(file_error(&entry.path()))?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
            // Enough to know that it isn't ours.
            if files.last().is_some_and(|file| !is_known(file)) {
                return Ok(());
            }
        } else if !is_temporary(&name, |of| is_known(&format!("{within}{of}"))) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_known(file: &str) -> bool {
    let parts: Vec<&str> = file.split('/').collect();
    match parts.as_slice() {
        [name] => FILES.contains(name),
        ["figures", name] => {
            name.rsplit_once('.').is_some_and(|(_, kind)| matches!(kind, "svg" | "png" | "csv"))
        }
        ["results", _, _, name] => matches!(*name, key::METRICS | key::RESULT) || name.starts_with(".fetch-"),
        _ => false,
    }
}

/// The sweep that the title of a report's page names.
fn sweep_of_page(page: &Path) -> Option<SweepId> {
    let text = fs::read(page).ok()?;
    let head = String::from_utf8_lossy(&text[..text.len().min(HEAD)]);
    let (_, title) = head.split_once("<title>")?;
    let (id, _) = title.split_once(" · basin report</title>")?;
    SweepId::new(id).ok()
}
