//! Decoded data sets that lie in a cache, and which of them nobody has used for long.
//!
//! A cache is a folder `<name>/<digest>/` for each data set. The file `used` in it is as old as the last use: file systems don't say
//! when a file was read last, or not to the day.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use basin_domain::digest::Digest;
use basin_domain::id::DatasetName;

/// The file whose age is that of the last use.
const USED: &str = "used";
/// A use is noted once in so long.
const NOTED_EVERY: Duration = Duration::from_secs(60 * 60);

/// A data set in a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedDataset {
    /// Its folder.
    pub folder: PathBuf,
    /// The bytes of what lies there.
    pub bytes: u64,
}

impl CachedDataset {
    /// The data sets in a cache that nobody has used for so long; those that were never used are as old as they are.
    ///
    /// # Errors
    /// If the cache is there and can't be read.
    pub fn unused_for(age: Duration, cache: &Path) -> io::Result<Vec<Self>> {
        let mut unused = Vec::new();
        for of_name in folders(cache, |name| DatasetName::new(name).is_ok())? {
            for folder in folders(&of_name, |name| name.parse::<Digest>().is_ok())? {
                let (is_unused, bytes) = examine(&folder, age)?;
                if is_unused {
                    unused.push(Self { folder, bytes });
                }
            }
        }
        unused.sort_by(|a, b| a.folder.cmp(&b.folder));
        Ok(unused)
    }

    /// Removes it, unless it was used since; whether it did. Who has it open goes on with it, and who wants it next fetches or makes
    /// it again.
    ///
    /// # Errors
    /// If it can't be removed.
    pub fn remove_if_unused_for(&self, age: Duration) -> io::Result<bool> {
        if !examine(&self.folder, age)?.0 {
            return Ok(false);
        }
        fs::remove_dir_all(&self.folder)?;
        if let Some(of_name) = self.folder.parent() {
            // Others of this name may lie there.
            let _ = fs::remove_dir(of_name);
        }
        Ok(true)
    }
}

/// Notes that the data set in this folder is used. What can't be noted does no harm: it may have to be fetched again.
pub(crate) fn note_use(folder: &Path) {
    let file = folder.join(USED);
    let noted = fs::metadata(&file).and_then(|file| file.modified()).ok();
    let is_noted = noted.and_then(|at| at.elapsed().ok()).is_some_and(|age| age < NOTED_EVERY);
    if !is_noted {
        let used = File::options().create(true).append(true).open(&file);
        let _ = used.and_then(|file| file.set_modified(SystemTime::now()));
    }
}

/// The folders in a folder whose names are of this kind; none if it isn't there.
fn folders(folder: &Path, is_meant: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() && is_meant(&entry.file_name().to_string_lossy()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Whether no file in a folder was written for so long, and the bytes of all of them.
fn examine(folder: &Path, age: Duration) -> io::Result<(bool, u64)> {
    let (mut newest, mut bytes) = (fs::metadata(folder)?.modified()?, 0);
    for entry in fs::read_dir(folder)? {
        let file = entry?.metadata()?;
        newest = newest.max(file.modified()?);
        bytes += file.len();
    }
    Ok((newest.elapsed().is_ok_and(|idle| idle >= age), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    fn make_old(folder: &Path) {
        let long_ago = SystemTime::now() - WEEK - Duration::from_secs(60);
        for entry in fs::read_dir(folder).unwrap() {
            File::options().append(true).open(entry.unwrap().path()).unwrap().set_modified(long_ago).unwrap();
        }
        File::open(folder).unwrap().set_modified(long_ago).unwrap();
    }

    fn cached(cache: &Path, name: &str, contents: &str) -> PathBuf {
        let folder = cache.join(name).join(Digest::of(contents.as_bytes()).to_string());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("data.basin"), contents).unwrap();
        folder
    }

    #[test]
    fn what_was_not_used_for_long_is_found_and_removed_and_a_use_keeps_it() {
        let cache = tempfile::tempdir().unwrap();
        let [old, used, new] =
            ["old", "used", "new"].map(|contents| cached(cache.path(), "leaves", contents));
        let alone = cached(cache.path(), "alone", "alone");
        let others = [cache.path().join("leaves/notes"), cache.path().join("..x")];
        others.iter().for_each(|folder| fs::create_dir_all(folder).unwrap());
        for folder in [&old, &used, &alone] {
            make_old(folder);
        }
        note_use(&used);
        let unused = CachedDataset::unused_for(WEEK, cache.path()).unwrap();
        let mut expected = vec![
            CachedDataset { folder: alone.clone(), bytes: 5 },
            CachedDataset { folder: old.clone(), bytes: 3 },
        ];
        expected.sort_by(|a, b| a.folder.cmp(&b.folder));
        assert_eq!(unused, expected);
        note_use(&alone);
        assert!(!unused.iter().find(|it| it.folder == alone).unwrap().remove_if_unused_for(WEEK).unwrap());
        fs::remove_file(alone.join(USED)).unwrap();
        make_old(&alone);
        assert!(unused.iter().all(|dataset| dataset.remove_if_unused_for(WEEK).unwrap()));
        assert!(!old.exists() && !cache.path().join("alone").exists());
        assert!(used.exists() && new.exists() && others.iter().all(|folder| folder.exists()));
        assert_eq!(CachedDataset::unused_for(WEEK, cache.path()).unwrap(), []);
        assert_eq!(CachedDataset::unused_for(WEEK, &cache.path().join("nowhere")).unwrap(), []);
    }

    #[test]
    fn a_use_is_noted_once_in_a_while() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cached(cache.path(), "leaves", "contents");
        note_use(&folder);
        make_old(&folder);
        note_use(&folder);
        let noted = || fs::metadata(folder.join(USED)).unwrap().modified().unwrap();
        let first = noted();
        assert!(first.elapsed().unwrap() < NOTED_EVERY);
        note_use(&folder);
        assert_eq!(noted(), first);
        note_use(&cache.path().join("nowhere"));
    }
}
