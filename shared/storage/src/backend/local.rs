//! `file:///…` and plain paths: a folder as a store.
//!
//! `object_store` writes each file under a staged name (`key#1`) and renames it, or hard-links it where nothing may be
//! overwritten. With its `fsync` option a returned write is on disk, folders included: a committed task survives a power
//! cut. What it costs is measured in `docs/decisions/0003-commit.md`.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use basin_domain::digest::Digest;
use object_store::local::LocalFileSystem;
use url::Url;

use super::opened::{IfMissing, OpenedStore};
use crate::{Result, StorageError};

/// How the name of the file ends under whose lock a file is replaced. Staged files are counted from 1.
const LOCK: &str = "#0";
/// How the name ends of the file that replaces it, written under that lock; far from those that are counted.
const REPLACEMENT: &str = "#4294967296";

/// Opens `file:///…`.
pub(super) fn open_url(url: &str, missing: IfMissing) -> Result<OpenedStore> {
    let bad = |why: String| StorageError::BadUrl { url: url.to_owned(), why };
    let parsed = Url::parse(url).map_err(|error| bad(error.to_string()))?;
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(bad("`?` and `#` have no meaning here".to_owned()));
    }
    let path = parsed
        .to_file_path()
        .map_err(|()| bad("three slashes and an absolute path are expected after `file:`".to_owned()))?;
    open_path(&path, missing)
}

/// Opens the folder `path`, and makes it if it is missing and may be made.
pub(super) fn open_path(path: &Path, missing: IfMissing) -> Result<OpenedStore> {
    let absolute = std::path::absolute(path)
        .map_err(|error| StorageError::BadUrl { url: path.display().to_string(), why: error.to_string() })?;
    let url = Url::from_file_path(&absolute)
        .map_err(|()| StorageError::BadUrl {
            url: path.display().to_string(),
            why: "the path has no URL".to_owned(),
        })?
        .to_string();
    match std::fs::metadata(&absolute) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(StorageError::NotAFolder { url, file: absolute }),
        Err(error) if error.kind() == io::ErrorKind::NotFound && missing == IfMissing::Fail => {
            return Err(StorageError::NoStore { url });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(&absolute).map_err(|source| unusable(&url, &absolute, source))?;
        }
        Err(error) => return Err(unusable(&url, &absolute, error)),
    }
    let objects = LocalFileSystem::new_with_prefix(&absolute)
        .map_err(|error| StorageError::of_store(&url, "", error))?
        .with_fsync(true);
    Ok(OpenedStore { objects: Arc::new(objects), url, root: Some(absolute) })
}

fn unusable(url: &str, path: &Path, source: io::Error) -> StorageError {
    // What the system calls "not a directory" is one of the folders around it.
    if let Some(file) = path.ancestors().find(|ancestor| ancestor.is_file()) {
        return StorageError::NotAFolder { url: url.to_owned(), file: file.to_owned() };
    }
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StorageError::Denied { store: url.to_owned(), key: String::new(), source: source.into() }
        }
        _ => StorageError::BadUrl { url: url.to_owned(), why: source.to_string() },
    }
}

/// Makes a folder and those above it, durably.
fn create(folder: &Path) -> io::Result<()> {
    let above = folder.ancestors().skip(1).find(|ancestor| ancestor.is_dir()).map(Path::to_path_buf);
    std::fs::create_dir_all(folder)?;
    match above {
        Some(above) => sync_to_root(folder, &above),
        None => Ok(()),
    }
}

/// Syncs every folder from `folder` up to and including `root`; those that aren't there yet need no sync.
///
/// A write syncs the folders that it made, but one that found them there a moment after another writer made them returns
/// before they are on disk. So the commit, on which the others rest, syncs the whole way up.
pub(crate) fn sync_to_root(folder: &Path, root: &Path) -> io::Result<()> {
    for ancestor in folder.ancestors() {
        match sync_folder(ancestor) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            synced => synced?,
        }
        if ancestor == root {
            break;
        }
    }
    Ok(())
}

/// Syncs the folders as [`sync_to_root`] does, after the nearest one was changed: a sync that failed before may have left its
/// changes behind as if they were on disk, and syncing them again would prove nothing.
pub(crate) fn sync_names(folder: &Path, root: &Path) -> io::Result<()> {
    let marker = folder.join(format!("sync#{}", std::process::id()));
    File::create(&marker)?;
    match std::fs::remove_file(&marker) {
        // Another thread does the same.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        removed => removed?,
    }
    sync_to_root(folder, root)
}

/// Writes `bytes` over the file if it holds those of the digest `expected`, durably; whether it did.
///
/// Replacing goes one at a time, under a lock beside the file, and the file is never absent on the way: who creates it under
/// the condition that it isn't there doesn't need the lock.
pub(crate) fn replace_file(file: &Path, expected: Option<Digest>, bytes: &[u8]) -> io::Result<bool> {
    let (folder, name) = match (file.parent(), file.file_name()) {
        (Some(folder), Some(name)) => (folder, name.to_string_lossy()),
        (None, _) | (_, None) => return Err(io::ErrorKind::InvalidInput.into()),
    };
    // Like a staged file's, its name is in no listing; unlike them it stays.
    let lock = File::options().create(true).append(true).open(folder.join(format!("{name}{LOCK}")))?;
    lock.lock()?;
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut File::open(file)?, &mut hasher)?;
    let found = Digest::from_bytes(*hasher.finalize().as_bytes());
    if expected.is_some_and(|expected| expected != found) {
        return Ok(false);
    }
    let staged = folder.join(format!("{name}{REPLACEMENT}"));
    let mut replacement = File::create(&staged)?;
    replacement.write_all(bytes)?;
    replacement.sync_all()?;
    std::fs::rename(&staged, file)?;
    sync_folder(folder)?;
    Ok(true)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder can't be opened as a file; the file system's journal has to do.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// A staged file (`name#1`).
#[derive(Debug)]
pub(crate) struct StagedFile {
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
}

/// Removes the staged files that killed writers left in `folder` and its folders.
///
/// Only for a folder that nobody needs to write any more: a staged file may be an upload in progress.
pub(crate) fn remove_staged(folder: &Path) -> io::Result<u64> {
    remove_all(&staged_where(folder, |_| true)?)
}

/// The same of those that nobody has written to for `age`: no upload takes that long for one part.
pub(crate) fn remove_staged_before(folder: &Path, age: Duration) -> io::Result<u64> {
    remove_all(&staged_before(folder, age)?)
}

/// The staged files in `folder` and its folders that nobody has written to for `age`.
pub(crate) fn staged_before(folder: &Path, age: Duration) -> io::Result<Vec<StagedFile>> {
    staged_where(folder, |file| {
        let modified = file.modified().ok();
        modified.and_then(|at| at.elapsed().ok()).is_some_and(|elapsed| elapsed >= age)
    })
}

fn staged_where(folder: &Path, is_meant: impl Fn(&std::fs::Metadata) -> bool) -> io::Result<Vec<StagedFile>> {
    let mut staged = Vec::new();
    let mut folders: Vec<PathBuf> = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file()
                && is_staged(&entry.file_name().to_string_lossy())
                && let Ok(file) = entry.metadata()
                && is_meant(&file)
            {
                staged.push(StagedFile { path: entry.path(), size: file.len() });
            }
        }
    }
    Ok(staged)
}

fn remove_all(staged: &[StagedFile]) -> io::Result<u64> {
    let mut removed = 0;
    for file in staged {
        removed += u64::from(remove_file_if_there(&file.path)?);
    }
    Ok(removed)
}

/// Removes a file; whether it was there: its writer may have given it its name, or another removed it.
pub(crate) fn remove_file_if_there(file: &Path) -> io::Result<bool> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        removed => removed.map(|()| true),
    }
}

/// Removes the lock under which a file was replaced. Only of a file that nobody needs to write any more.
pub(crate) fn remove_lock(file: &Path) -> io::Result<()> {
    let mut lock = file.as_os_str().to_owned();
    lock.push(LOCK);
    remove_file_if_there(Path::new(&lock)).map(drop)
}

/// Removes a folder and those in it as far as nothing is in them; whether it is gone.
pub(crate) fn remove_empty_folders(folder: &Path) -> io::Result<bool> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        entries => entries?,
    };
    let mut is_empty = true;
    for entry in entries {
        let entry = entry?;
        is_empty &= entry.file_type()?.is_dir() && remove_empty_folders(&entry.path())?;
    }
    if !is_empty {
        return Ok(false);
    }
    match std::fs::remove_dir(folder) {
        // Somebody writes there, or has removed it.
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        removed => removed.map(|()| true),
    }
}

/// Takes the lock in the file `name#0` of a folder, if nobody has it. It is given back however its owner ends.
pub(crate) fn try_lock(folder: &Path, name: &str) -> io::Result<Option<File>> {
    let lock = File::options().create(true).append(true).open(folder.join(format!("{name}{LOCK}")))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

fn is_staged(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(base, number)| {
        !base.is_empty()
            && !number.is_empty()
            && number != &LOCK[1..]
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}
