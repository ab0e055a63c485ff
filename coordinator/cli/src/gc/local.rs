//! The garbage of this machine: decoded data sets that nobody has used for long, and what killed processes left.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use basin_storage::Space;
#[cfg(feature = "worker")]
use basin_worker::CachedDataset;

use crate::command_error::{CommandError, OrFail};
#[cfg(feature = "worker")]
use crate::scratch;

/// Where garbage is looked for on this machine, and what is to be done with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalCollection<'a> {
    pub(super) is_dry_run: bool,
    /// How long nobody has used a data set that is freed.
    pub(super) unused_for: Duration,
    /// The folder of local state.
    pub(super) state: &'a Path,
    /// A worker's folder of decoded data sets.
    pub(super) cache: Option<&'a Path>,
    /// Where workers have their scratch folders.
    pub(super) temporary: &'a Path,
}

/// The garbage of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LocalGarbage {
    /// Decoded data sets.
    pub(super) caches: Space,
    /// Scratch folders of processes that are no more.
    pub(super) scratch: Space,
}

impl LocalCollection<'_> {
    /// Frees it. `is_alone` says that nobody works in the folder of the state.
    pub(super) fn collect(&self, is_alone: bool) -> Result<LocalGarbage, CommandError> {
        let mut found = LocalGarbage::default();
        self.collect_caches(&mut found).or_basin("cannot look into the cache of data sets")?;
        self.collect_scratch(is_alone, &mut found).or_basin("cannot look for scratch folders")?;
        Ok(found)
    }

    #[cfg(feature = "worker")]
    fn collect_caches(&self, found: &mut LocalGarbage) -> io::Result<()> {
        let of_state = self.state.join("cache");
        for cache in [of_state.as_path()].into_iter().chain(self.cache) {
            for dataset in CachedDataset::unused_for(self.unused_for, cache)? {
                if self.is_dry_run || dataset.remove_if_unused_for(self.unused_for)? {
                    found.caches += Space::of_one(dataset.bytes);
                }
            }
        }
        Ok(())
    }

    /// Without workers there are no caches.
    #[cfg(not(feature = "worker"))]
    fn collect_caches(&self, _: &mut LocalGarbage) -> io::Result<()> {
        let _ = (self.unused_for, self.cache, self.temporary);
        Ok(())
    }

    /// Those of the state's runs, of which none lives if nobody works there, and those of workers, which say whether they live.
    fn collect_scratch(&self, is_alone: bool, found: &mut LocalGarbage) -> io::Result<()> {
        let of_runs = self.state.join("scratch");
        if is_alone && of_runs.is_dir() {
            for entry in fs::read_dir(&of_runs)? {
                self.remove(&entry?.path(), found)?;
            }
        }
        #[cfg(feature = "worker")]
        for abandoned in scratch::abandoned_in(self.temporary) {
            // Another user's stays.
            let _ = self.remove(&abandoned.folder, found);
        }
        Ok(())
    }

    fn remove(&self, path: &Path, found: &mut LocalGarbage) -> io::Result<()> {
        let space = Space::of_one(bytes_of(path)?);
        if !self.is_dry_run {
            if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
        found.scratch += space;
        Ok(())
    }
}

/// The bytes of a file, or of all below a folder.
fn bytes_of(path: &Path) -> io::Result<u64> {
    let file = fs::symlink_metadata(path)?;
    if !file.is_dir() {
        return Ok(file.len());
    }
    fs::read_dir(path)?.map(|entry| bytes_of(&entry?.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collection<'a>(state: &'a Path, temporary: &'a Path, is_dry_run: bool) -> LocalCollection<'a> {
        LocalCollection { is_dry_run, unused_for: Duration::ZERO, state, cache: None, temporary }
    }

    #[test]
    fn the_scratch_folders_of_dead_runs_go_and_those_of_one_that_may_live_stay() {
        let (state, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let task = state.path().join("scratch/task-1");
        fs::create_dir_all(&task).unwrap();
        fs::write(task.join("resume.safetensors"), "12345").unwrap();
        let scratch = |is_dry_run, is_alone| {
            let mut found = LocalGarbage::default();
            let collection = collection(state.path(), temporary.path(), is_dry_run);
            collection.collect_scratch(is_alone, &mut found).unwrap();
            found.scratch
        };
        assert_eq!(scratch(false, false), Space::default());
        assert_eq!(scratch(true, true), Space { count: 1, bytes: 5 });
        assert!(task.exists());
        assert_eq!(scratch(false, true), Space { count: 1, bytes: 5 });
        assert!(!task.exists());
        assert_eq!(scratch(false, true), Space::default());
    }

    #[cfg(feature = "worker")]
    #[test]
    fn the_scratch_folders_of_killed_workers_go_and_those_of_live_ones_stay() {
        let (state, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let live = scratch::Scratch::new_in(temporary.path()).unwrap();
        let killed = temporary.path().join("basin-killed");
        fs::create_dir(&killed).unwrap();
        fs::write(killed.join("in-use"), "").unwrap();
        let mut found = LocalGarbage::default();
        collection(state.path(), temporary.path(), false).collect_scratch(true, &mut found).unwrap();
        assert_eq!(found.scratch.count, 1);
        assert!(live.path().exists() && !killed.exists());
    }

    #[cfg(feature = "worker")]
    #[test]
    fn cached_data_sets_of_the_state_and_of_a_worker_go() {
        let (state, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let digest = "0".repeat(64);
        let folders = [state.path().join("cache/leaves"), cache.path().join("leaves")];
        for folder in &folders {
            fs::create_dir_all(folder.join(&digest)).unwrap();
            fs::write(folder.join(&digest).join("data.basin"), "12345").unwrap();
        }
        let mut found = LocalGarbage::default();
        let both =
            LocalCollection { cache: Some(cache.path()), ..collection(state.path(), cache.path(), true) };
        both.collect_caches(&mut found).unwrap();
        assert_eq!(found.caches, Space { count: 2, bytes: 10 });
        assert!(folders.iter().all(|folder| folder.exists()));
        LocalCollection { is_dry_run: false, ..both }.collect_caches(&mut found).unwrap();
        assert!(folders.iter().all(|folder| !folder.exists()));
    }
}
