//! Contents of files that are read again when they change.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How often files are looked at.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

type Read<T, E> = dyn Fn() -> Result<T, E> + Send + Sync;

/// The parsed contents of some files. Their bytes are compared rather than their times: a secret of Kubernetes changes by a link that is
/// swapped. A change that makes no sense leaves what was read before.
pub struct WatchedFiles<T, E> {
    files: Vec<PathBuf>,
    read: Box<Read<T, E>>,
    current: RwLock<Arc<T>>,
    seen: Mutex<SeenFiles>,
}

/// The files' bytes when they were looked at last.
struct SeenFiles {
    bytes: Vec<Option<Vec<u8>>>,
    /// One of them was empty then: somebody may have been about to write it.
    was_empty: bool,
}

impl<T, E: fmt::Display> WatchedFiles<T, E> {
    /// The contents of the files now.
    ///
    /// # Errors
    /// If `read` can't make sense of them.
    pub fn open(
        files: Vec<PathBuf>,
        read: impl Fn() -> Result<T, E> + Send + Sync + 'static,
    ) -> Result<Self, E> {
        let seen = SeenFiles { bytes: bytes(&files), was_empty: false };
        let current = RwLock::new(Arc::new(read()?));
        Ok(Self { files, read: Box::new(read), current, seen: Mutex::new(seen) })
    }

    /// The contents when they last made sense.
    pub fn current(&self) -> Arc<T> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the files, and reads them if they have changed. None: they haven't.
    pub fn reload_if_changed(&self) -> Option<Result<(), E>> {
        let now = bytes(&self.files);
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.bytes == now {
                seen.was_empty = false;
                return None;
            }
            // Who writes in place empties the file first. One that stays empty is taken at its word at the next look.
            let is_empty = now.iter().flatten().any(Vec::is_empty);
            if is_empty && !std::mem::replace(&mut seen.was_empty, true) {
                return None;
            }
            *seen = SeenFiles { bytes: now, was_empty: is_empty };
        }
        let read = (self.read)();
        Some(read.map(|read| *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read)))
    }

    /// Looks at the files again and again until `stop`.
    pub async fn follow(&self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(POLL_INTERVAL)).await.is_some() {
            let files =
                || self.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ");
            match self.reload_if_changed() {
                None => {}
                Some(Ok(())) => tracing::info!(files = files(), "changed files were read again"),
                Some(Err(error)) => {
                    tracing::warn!(files = files(), %error, "changed files make no sense; what they said before holds");
                }
            }
        }
    }
}

fn bytes(files: &[PathBuf]) -> Vec<Option<Vec<u8>>> {
    files.iter().map(|file| std::fs::read(file).ok()).collect()
}

impl<T: fmt::Debug, E> fmt::Debug for WatchedFiles<T, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WatchedFiles").field("files", &self.files).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_read_and_one_that_makes_no_sense_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        std::fs::write(&file, "1").unwrap();
        let path = file.clone();
        let read = move || std::fs::read_to_string(&path).unwrap_or_default().parse::<i32>();
        let watched = WatchedFiles::open(vec![file.clone()], read).unwrap();
        assert!(watched.reload_if_changed().is_none());
        std::fs::write(&file, "2").unwrap();
        assert_eq!(watched.reload_if_changed(), Some(Ok(())));
        assert_eq!(*watched.current(), 2);
        std::fs::write(&file, "two").unwrap();
        assert!(watched.reload_if_changed().unwrap().is_err());
        assert!(watched.reload_if_changed().is_none(), "told once");
        assert_eq!(*watched.current(), 2);
        std::fs::remove_file(&file).unwrap();
        assert!(watched.reload_if_changed().unwrap().is_err());
        assert_eq!(*watched.current(), 2);
    }

    #[test]
    fn a_swapped_link_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("old"), "1").unwrap();
        std::fs::write(path("new"), "2").unwrap();
        std::os::unix::fs::symlink(path("old"), path("link")).unwrap();
        let link = path("link");
        let watched = WatchedFiles::open(vec![link.clone()], move || {
            std::fs::read_to_string(&link).unwrap_or_default().parse::<i32>()
        });
        let watched = watched.unwrap();
        std::os::unix::fs::symlink(path("new"), path("next")).unwrap();
        std::fs::rename(path("next"), path("link")).unwrap();
        assert_eq!(watched.reload_if_changed(), Some(Ok(())));
        assert_eq!(*watched.current(), 2);
    }

    #[test]
    fn an_emptied_file_is_believed_only_at_the_second_look() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lines");
        std::fs::write(&file, "one").unwrap();
        let path = file.clone();
        let read = move || Ok::<_, String>(std::fs::read_to_string(&path).unwrap_or_default());
        let watched = WatchedFiles::open(vec![file.clone()], read).unwrap();
        std::fs::write(&file, "").unwrap();
        assert_eq!(watched.reload_if_changed(), None);
        std::fs::write(&file, "two").unwrap();
        assert_eq!(watched.reload_if_changed(), Some(Ok(())));
        std::fs::write(&file, "").unwrap();
        assert_eq!(
            (watched.reload_if_changed(), watched.reload_if_changed(), watched.reload_if_changed()),
            (None, Some(Ok(())), None)
        );
        assert_eq!(*watched.current(), "");
    }
}
