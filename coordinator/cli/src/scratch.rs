//! A worker's scratch folder: gone with the worker, and with the next one's start if the worker was killed.
//!
//! Each folder holds a file that its owner has locked for as long as it lives; the system unlocks it however the owner ends.
//! So a folder whose file can be locked belongs to nobody. The file has its name only once it is locked.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// How the folders' names begin.
const PREFIX: &str = "basin-";
/// The locked file.
const LOCK: &str = "in-use";

/// A scratch folder.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: TempDir,
    /// Held until the end.
    _lock: File,
}

impl Scratch {
    /// A new folder in `base`, once those of killed workers are removed there.
    pub(super) fn new_in(base: &Path) -> io::Result<Self> {
        remove_abandoned(base);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(base)?;
        let unnamed = folder.path().join(format!(".{LOCK}"));
        let lock = File::create(&unnamed)?;
        lock.lock()?;
        fs::rename(&unnamed, folder.path().join(LOCK))?;
        Ok(Self { folder, _lock: lock })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// The scratch folder of a worker that is no more. Nobody else finds it while this lives.
#[derive(Debug)]
pub(super) struct AbandonedScratch {
    pub(super) folder: PathBuf,
    /// Held until the end.
    _lock: File,
}

/// The folders of workers that are no more.
pub(super) fn abandoned_in(base: &Path) -> impl Iterator<Item = AbandonedScratch> {
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    ours.filter_map(|entry| {
        let folder = entry.path();
        let lock = File::open(folder.join(LOCK)).ok()?;
        lock.try_lock().ok()?;
        Some(AbandonedScratch { folder, _lock: lock })
    })
}

/// Removes the folders of workers that are no more. What can't be removed is another user's, or does no harm.
fn remove_abandoned(base: &Path) {
    for AbandonedScratch { folder, _lock } in abandoned_in(base) {
        if fs::remove_dir_all(&folder).is_ok() {
            tracing::info!(folder = %folder.display(), "the scratch folder of a killed worker was removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_killed_worker_goes_and_that_of_a_live_one_stays() {
        let base = tempfile::tempdir().unwrap();
        let live = Scratch::new_in(base.path()).unwrap();
        // A killed owner leaves the file, and no lock on it.
        let killed = base.path().join("basin-killed");
        fs::create_dir_all(killed.join("task-1")).unwrap();
        fs::write(killed.join(LOCK), "").unwrap();
        // These belong to others, or to one that has just begun.
        let others = [base.path().join("basin-other"), base.path().join("else")];
        others.iter().for_each(|folder| fs::create_dir(folder).unwrap());
        let next = Scratch::new_in(base.path()).unwrap();
        assert!(!killed.exists());
        assert!(live.path().exists() && next.path().exists() && others.iter().all(|folder| folder.exists()));
        let path = live.path().to_owned();
        drop(live);
        assert!(!path.exists());
    }
}
