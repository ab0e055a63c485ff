//! Decoded data sets on this machine: fetched or made once, then mapped by every executor.
//!
//! A file is believed once its digest was checked in this process, and for as long as it is the same file: what was changed,
//! cut off or replaced meanwhile is checked again. The digest of one that was fetched is the data set's own; that of one that
//! was made here lies beside it.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use basin_domain::data::{self, Dataset, Recipe};
use basin_domain::digest::Digest;
use basin_domain::error_chain;
use basin_domain::failure::{Failure, FailureKind};
use basin_experiments::dataset::DatasetError;
use basin_storage::{StorageError, Store};
use tokio::sync::Mutex;

use super::lease_handle::LeaseHandle;
use super::outage_retry::OutageRetry;
use super::outage_waits::OutageWaits;
use crate::cached_datasets::note_use;

/// The cache folder: `<name>/<digest>/data.basin`, and for what is made here its digest, `data.blake3`.
#[derive(Debug, Clone)]
pub(super) struct DataCache {
    folder: PathBuf,
    store: Store,
    /// The files whose digest was checked. One is checked or fetched at a time in this process; other processes are met by
    /// rename.
    checked: Arc<Mutex<HashMap<PathBuf, FileIdentity>>>,
    outages: Arc<OutageWaits>,
}

/// The identity of a file: it is still the one that was checked if this is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FileIdentity {
    size: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: Inode,
}

/// The file's place on its device, and when it was last changed in any way.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Inode {
    device: u64,
    number: u64,
    changed_s: i64,
    changed_ns: i64,
}

impl FileIdentity {
    fn of(file: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt;
            Inode {
                device: file.dev(),
                number: file.ino(),
                changed_s: file.ctime(),
                changed_ns: file.ctime_nsec(),
            }
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
    pub(super) fn new(folder: PathBuf, store: Store, outages: Arc<OutageWaits>) -> Self {
        Self { folder, store, checked: Arc::default(), outages }
    }

    /// The decoded file of a data set, fetched from the store or made by its recipe (with these parameters, if it has some) if it isn't here yet, or isn't what it
    /// should be. Outages of the store, and of this machine's disk, are waited for.
    pub(super) async fn path(
        &self,
        dataset: &Dataset,
        recipe: Option<&Recipe>,
        lease: &LeaseHandle,
    ) -> Result<PathBuf, DataError> {
        let folder = self.folder.join(dataset.name.as_str()).join(dataset.digest.to_string());
        let path = folder.join("data.basin");
        let mut checked = self.checked.lock().await;
        let found = fs::metadata(&path).ok().map(|file| FileIdentity::of(&file));
        if found.is_some() && found.as_ref() == checked.get(&path) {
            note_use(&folder);
            return Ok(path);
        }
        let missing = |error: &StorageError| {
            DataError::Missing(Failure::new(
                FailureKind::MissingData,
                format!(
                    "data set {} ({}): {}",
                    dataset.name,
                    dataset.digest.short(),
                    error_chain::with_causes(error)
                ),
            ))
        };
        let made = recipe.map(Recipe::digest).or_else(|| data::built_in_digest(dataset.name.as_str()));
        let is_made = made == Some(dataset.digest);
        let retry = OutageRetry::while_leased(lease, &self.outages);
        let file = |source| StorageError::File { path: folder.clone(), source };
        let got = retry.call(|| async {
            tokio::fs::create_dir_all(&folder).await.map_err(file)?;
            remove_abandoned(&folder);
            if path.exists() {
                // Before it takes its time to look at it.
                note_use(&folder);
            }
            if is_right(dataset, is_made, &folder, &path).await? {
                return Ok("found");
            }
            match is_made {
                true => make(dataset, recipe, &folder, &path).await.map(|()| "made"),
                false => self.store.fetch_dataset(dataset, &path).await.map(|()| "fetched"),
            }
        });
        match got.await {
            Ok(how) => {
                tracing::info!(dataset = %dataset.name, how, "data set at hand");
                note_use(&folder);
                let file = |source| missing(&StorageError::File { path: path.clone(), source });
                let identity = FileIdentity::of(&fs::metadata(&path).map_err(file)?);
                checked.insert(path.clone(), identity);
                Ok(path)
            }
            Err(error) if error.outage().is_some() => Err(DataError::Outage(error)),
            Err(
                error @ (StorageError::NotFound { .. }
                | StorageError::Corrupt { .. }
                | StorageError::File { .. }),
            ) => Err(missing(&error)),
            Err(error) => {
                Err(DataError::Missing(Failure::new(FailureKind::Storage, error_chain::with_causes(&error))))
            }
        }
    }
}

/// Why a data set isn't here.
#[derive(Debug)]
pub(super) enum DataError {
    /// An outage, which was waited for until the lease had to be given back.
    Outage(StorageError),
    /// It can't be had.
    Missing(Failure),
}

/// Whether a cached file is there and has the digest that it should have.
async fn is_right(
    dataset: &Dataset,
    is_made: bool,
    folder: &Path,
    path: &Path,
) -> Result<bool, StorageError> {
    if !path.exists() {
        return Ok(false);
    }
    let unreadable = |source| StorageError::File { path: path.to_owned(), source };
    let expected = if is_made { read_digest(folder) } else { Some(dataset.digest) };
    let Some(expected) = expected else {
        // A cache of before the digest was kept beside what is made here; making it again tells.
        tracing::info!(dataset = %dataset.name, file = %path.display(), "data set made again");
        return Ok(false);
    };
    let found = digest_of(path).await.map_err(unreadable)?;
    if found != expected {
        tracing::warn!(
            dataset = %dataset.name,
            file = %path.display(),
            expected = %expected.short(),
            found = %found.short(),
            "a cached data set was damaged; it is fetched or made again"
        );
    }
    Ok(found == expected)
}

/// Makes a data set by its recipe, then keeps its digest: without that the file is made again.
async fn make(
    dataset: &Dataset,
    recipe: Option<&Recipe>,
    folder: &Path,
    path: &Path,
) -> Result<(), StorageError> {
    let (name, recipe, to) = (dataset.name.clone(), recipe.copied(), path.to_owned());
    let generate = move || basin_experiments::dataset::generate(&name, recipe.as_ref(), &to);
    let made = tokio::task::spawn_blocking(generate).await;
    let file = |source| StorageError::File { path: path.to_owned(), source };
    match made {
        Ok(Ok(made)) => write_digest(folder, made.digest).map_err(file),
        Ok(Err(DatasetError::Write { source, .. } | DatasetError::Read { source, .. })) => Err(file(source)),
        Ok(Err(error)) => Err(file(io::Error::other(error))),
        Err(panic) => Err(file(io::Error::other(panic))),
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
    // Not by the process's id: workers in containers that share the folder are all process 1.
    let mut builder = tempfile::Builder::new();
    builder.prefix(".data.blake3.").suffix(".partial");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = builder.tempfile_in(folder)?;
    writeln!(file, "{digest}")?;
    file.as_file().sync_all()?;
    file.persist(digest_file(folder)).map_err(|error| error.error)?;
    Ok(())
}
