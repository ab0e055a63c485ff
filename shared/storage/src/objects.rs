//! Objects by key: with checked keys, retries, and errors that are situations.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use object_store::{ObjectMeta, ObjectStoreExt, PutPayload};

use crate::call_span::CallSpan;
use crate::dated_object::DatedObject;
use crate::{ListedObject, Result, StorageError, Store, StoreCall, backend, key};

/// A file that isn't whole and wasn't written to for so long belongs to a process that is gone: parts are written within
/// minutes.
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

impl Store {
    /// Writes an object, over what is there; all of it or nothing.
    ///
    /// # Errors
    /// [`StorageError::Denied`], [`StorageError::Full`], [`StorageError::Unavailable`], [`StorageError::InvalidKey`].
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        let path = key::path(key)?;
        let (path, bytes) = (&path, &bytes);
        let timeout = self.retry().timeout_for(bytes.len() as u64);
        let span = CallSpan::begin("store.put", key);
        span.note_bytes(bytes.len() as u64);
        let put = self.retry().run(|| async move {
            let put = self.objects().put(path, PutPayload::from_bytes(bytes.clone()));
            let put = self.timed(StoreCall::Put, key, timeout, put).await;
            put.map(drop).map_err(StorageError::without_condition)
        });
        span.follow(put).await
    }

    /// Reads an object.
    ///
    /// # Errors
    /// [`StorageError::NotFound`], [`StorageError::Denied`], [`StorageError::Unavailable`],
    /// [`StorageError::InvalidKey`].
    pub async fn get(&self, key: &str) -> Result<Bytes> {
        self.get_sized(key, |_| Ok(())).await
    }

    /// Reads the bytes of `range`; fewer if the object ends before, none if it ends before the range begins.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        // Stores disagree on ranges that leave the object, and on empty ones: so none is asked for.
        let end = range.end.min(self.size(key).await?);
        if range.start >= end {
            return Ok(Bytes::new());
        }
        let path = key::path(key)?;
        let path = &path;
        let timeout = self.retry().timeout_for(end - range.start);
        self.retry()
            .run(|| async move {
                let get = self.objects().get_range(path, range.start..end);
                self.timed(StoreCall::Get, key, timeout, get).await
            })
            .await
    }

    /// Whether there is an object at `key`.
    ///
    /// # Errors
    /// As [`Store::get`], without [`StorageError::NotFound`].
    pub async fn exists(&self, key: &str) -> Result<bool> {
        match self.size(key).await {
            Ok(_) => Ok(true),
            Err(StorageError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The bytes of the object at `key`.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn size(&self, key: &str) -> Result<u64> {
        let path = key::path(key)?;
        let path = &path;
        let timeout = self.retry().timeout;
        self.retry()
            .run(|| async move {
                let head = self.objects().head(path);
                Ok(self.timed(StoreCall::Head, key, timeout, head).await?.size)
            })
            .await
    }

    /// The objects under a prefix (whole segments; empty for the whole store), sorted by key.
    ///
    /// # Errors
    /// As [`Store::get`], without [`StorageError::NotFound`].
    pub async fn list(&self, prefix: &str) -> Result<Vec<ListedObject>> {
        self.list_as(prefix, |meta| ListedObject { key: meta.location.to_string(), size: meta.size }).await
    }

    /// The same with their ages.
    pub(crate) async fn list_dated(&self, prefix: &str) -> Result<Vec<DatedObject>> {
        let dated = |meta: &ObjectMeta| DatedObject {
            key: meta.location.to_string(),
            size: meta.size,
            modified_unix_ms: u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or(0),
        };
        self.list_as(prefix, dated).await
    }

    async fn list_as<T: Ord + Send>(
        &self,
        prefix: &str,
        of: impl Fn(&ObjectMeta) -> T + Send + Sync,
    ) -> Result<Vec<T>> {
        let path = key::prefix(prefix)?;
        let (path, of) = (path.as_ref(), &of);
        let mut found = self
            .retry()
            .run(|| async move {
                let listing = async {
                    let mut objects = self.objects().list(path);
                    let mut found = Vec::new();
                    while let Some(meta) = self.timed_next(prefix, &mut objects).await? {
                        found.push(of(&meta));
                    }
                    Ok(found)
                };
                self.measured(StoreCall::List, listing).await
            })
            .await?;
        found.sort_unstable();
        Ok(found)
    }

    /// The names of the folders right under a prefix, sorted.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub async fn list_folders(&self, prefix: &str) -> Result<Vec<String>> {
        let path = key::prefix(prefix)?;
        let path = path.as_ref();
        let timeout = self.retry().timeout;
        self.retry()
            .run(|| async move {
                let list = self.objects().list_with_delimiter(path);
                let found = match self.timed(StoreCall::List, prefix, timeout, list).await {
                    Err(StorageError::NotFound { .. }) => return Ok(Vec::new()),
                    found => found?,
                };
                let mut names: Vec<String> = found
                    .common_prefixes
                    .iter()
                    .filter_map(|path| path.filename().map(str::to_owned))
                    .collect();
                names.sort_unstable();
                Ok(names)
            })
            .await
    }

    /// Removes an object; nothing happens if there is none.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub async fn delete(&self, key: &str) -> Result<()> {
        let path = key::path(key)?;
        let path = &path;
        let timeout = self.retry().timeout;
        let deleted =
            self.retry()
                .run(|| async move {
                    self.timed(StoreCall::Delete, key, timeout, self.objects().delete(path)).await
                })
                .await;
        match deleted {
            Err(StorageError::NotFound { .. }) => Ok(()),
            deleted => deleted,
        }
    }

    /// Removes what killed writers left half written, where the store is a folder: files that haven't got their names, and
    /// that nobody has written to for a day. Gives how many.
    ///
    /// # Errors
    /// If the folder can't be read.
    pub async fn remove_abandoned(&self) -> Result<u64> {
        let Some(root) = self.folder().map(Path::to_path_buf) else { return Ok(0) };
        self.on_blocking_thread("", move || backend::remove_staged_before(&root, ABANDONED_AFTER)).await
    }

    /// Removes a folder of a store that is one, and those in it, as far as nothing is in them.
    pub(crate) async fn remove_empty_folders(&self, key: &str) -> Result<()> {
        let Some(root) = self.folder() else { return Ok(()) };
        let folder = root.join(key);
        self.on_blocking_thread(key, move || backend::remove_empty_folders(&folder)).await.map(drop)
    }

    /// Does something with the files of a store that is a folder.
    pub(crate) async fn on_blocking_thread<T: Send + 'static>(
        &self,
        key: &str,
        work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(std::io::Error::other).and_then(|done| done).map_err(|source| self.of_file(key, source))
    }

    /// Looks whether the store answers at all: one listing of its first level.
    ///
    /// # Errors
    /// [`StorageError::NoBucket`], [`StorageError::NoCredentials`], [`StorageError::Denied`], [`StorageError::Refused`],
    /// [`StorageError::Unavailable`].
    pub async fn check_reachable(&self) -> Result<()> {
        self.list_folders("").await.map(drop)
    }
}
