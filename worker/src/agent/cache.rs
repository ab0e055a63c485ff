//! Decoded data sets on this machine: fetched or made once, then mapped by every executor.
//!
//! A file is believed once its digest was checked in this process, and for as long as it is the same file: what was changed,
//! cut off or replaced meanwhile is checked again. The digest of one that was fetched is the data set's own; that of one that
//! was made here lies beside it.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use basin_domain::data::{self, Dataset};
use basin_domain::digest::Digest;
use basin_domain::failure::{Failure, FailureKind};
use basin_storage::{StorageError, Store};
use tokio::sync::Mutex;

use super::lease::Lease;
use super::patience::patiently;

/// The cache folder: `<name>/<digest>/data.basin`, and for what is made here its digest, `data.blake3`.
#[derive(Debug, Clone)]
pub(super) struct DataCache {
    folder: PathBuf,
    store: Store,
    /// The files whose digest was checked. One is checked or fetched at a time in this process; other processes are met by
    /// rename.
    checked: Arc<Mutex<HashMap<PathBuf, FileIdentity>>>,
}

/// What tells whether a file is still the one that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FileIdentity {
    size: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

impl FileIdentity {
    fn of(file: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt;
            (file.dev(), file.ino(), file.ctime(), file.ctime_nsec())
        };
        Self {
            size: file.len(),
            modified: file.modified().ok(),
            #[cfg(unix)]
            inode,
        }
    }
}

impl DataCache {
    pub(super) fn new(folder: PathBuf, store: Store) -> Self {
        Self { folder, store, checked: Arc::default() }
    }

    /// The decoded file of a data set, fetched from the store or made by its recipe if it isn't here yet, or isn't what it
    /// should be.
    pub(super) async fn path(&self, dataset: &Dataset, lease: &Lease) -> Result<PathBuf, Failure> {
        let folder = self.folder.join(dataset.name.as_str()).join(dataset.digest.to_string());
        let path = folder.join("data.basin");
        let mut checked = self.checked.lock().await;
        let found = fs::metadata(&path).ok().map(|file| FileIdentity::of(&file));
        if found.is_some() && found.as_ref() == checked.get(&path) {
            return Ok(path);
        }
        let missing = |why: String| {
            Failure::new(
                FailureKind::MissingData,
                format!("data set {} ({}): {why}", dataset.name, dataset.digest.short()),
            )
        };
        let unusable = |error: io::Error| missing(format!("{}: {error}", path.display()));
        fs::create_dir_all(&folder).map_err(|error| missing(format!("{}: {error}", folder.display())))?;
        remove_abandoned(&folder);
        let is_made_here = data::built_in_digest(dataset.name.as_str()) == Some(dataset.digest);
        if found.is_some() {
            let expected = if is_made_here { read_digest(&folder) } else { Some(dataset.digest) };
            let digest = digest_of(&path).await.map_err(unusable)?;
            match expected {
                Some(expected) if expected == digest => {
                    return remember(&mut checked, path).map_err(missing);
                }
                // A cache of before the digest was kept beside what is made here; making it again tells.
                None => {
                    tracing::info!(dataset = %dataset.name, file = %path.display(), "data set made again");
                }
                Some(expected) => tracing::warn!(
                    dataset = %dataset.name,
                    file = %path.display(),
                    expected = %expected.short(),
                    found = %digest.short(),
                    "a cached data set was damaged; it is fetched or made again"
                ),
            }
        }
        if is_made_here {
            self.make(dataset, &folder, &path).await.map_err(missing)?;
            tracing::info!(dataset = %dataset.name, "data set made");
        } else {
            let fetched = patiently(lease, || self.store.fetch_dataset(dataset, &path)).await;
            fetched.map_err(|error| match error {
                StorageError::NotFound { .. } | StorageError::Corrupt { .. } => missing(error.to_string()),
                error => Failure::new(FailureKind::Storage, error.to_string()),
            })?;
            tracing::info!(dataset = %dataset.name, "data set fetched");
        }
        remember(&mut checked, path).map_err(missing)
    }

    /// Makes a data set by its recipe, then keeps its digest: without that the file is made again.
    async fn make(&self, dataset: &Dataset, folder: &Path, path: &Path) -> Result<(), String> {
        let (name, to) = (dataset.name.clone(), path.to_path_buf());
        let made = tokio::task::spawn_blocking(move || basin_experiments::dataset::generate(&name, &to))
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        write_digest(folder, made.digest).map_err(|error| format!("{}: {error}", folder.display()))
    }
}

/// Files that aren't whole and weren't written to for so long belong to processes that were killed.
const ABANDONED_AFTER: Duration = Duration::from_secs(60 * 60);

/// Removes what killed processes have left half made. What can't be removed does no harm.
fn remove_abandoned(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if name.starts_with(".data.")
            && name.ends_with(".partial")
            && age().is_some_and(|age| age >= ABANDONED_AFTER)
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Notes that a file was checked, fetched or made just now.
fn remember(checked: &mut HashMap<PathBuf, FileIdentity>, path: PathBuf) -> Result<PathBuf, String> {
    let file = fs::metadata(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    checked.insert(path.clone(), FileIdentity::of(&file));
    Ok(path)
}

async fn digest_of(path: &Path) -> io::Result<Digest> {
    let path = path.to_path_buf();
    tokio::task::spawn_blocking(move || basin_storage::digest_of_file(&path))
        .await
        .map_err(io::Error::other)?
}

fn digest_file(folder: &Path) -> PathBuf {
    folder.join("data.blake3")
}

/// The digest that lies beside a file that was made here, if it does.
fn read_digest(folder: &Path) -> Option<Digest> {
    fs::read_to_string(digest_file(folder)).ok()?.trim().parse().ok()
}

fn write_digest(folder: &Path, digest: Digest) -> io::Result<()> {
    let partial = folder.join(format!(".data.blake3.{}.partial", std::process::id()));
    let mut file = File::create(&partial)?;
    writeln!(file, "{digest}")?;
    file.sync_all()?;
    fs::rename(&partial, digest_file(folder))
}
