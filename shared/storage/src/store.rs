//! The façade: objects by key, with checked keys, retries, and errors that are situations.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{GetOptions, GetResult, ObjectStore, ObjectStoreExt, PutPayload, UpdateVersion};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::backend::{self, IfMissing};
use crate::contents::ContentsHasher;
use crate::reader::ObjectReader;
use crate::{Contents, Result, Retry, StorageError, key};

/// Parts of large files under way at once, over all uploads of a store.
const PARTS_UNDER_WAY: usize = 8;

/// A file that isn't whole and wasn't written to for so long belongs to a process that is gone: parts are written within
/// minutes.
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// A store: a folder, a bucket, or memory. Cloning it shares it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    objects: Arc<dyn ObjectStore>,
    /// Parts of large files that may be under way at once, over all calls: what bounds their memory, and keeps a slow
    /// line from being shared by so many that none gets through in time.
    parts: Arc<Semaphore>,
    url: String,
    root: Option<PathBuf>,
    retry: Retry,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.0.url)
    }
}

impl Store {
    /// Opens a store, and makes it if it is a folder that isn't there: a plain path, `file:///…`, `memory://NAME`,
    /// `s3://BUCKET/PREFIX`, `gs://…` or `az://…`. What is on the network is first asked by the first call.
    ///
    /// # Errors
    /// [`StorageError::UnknownScheme`] and [`StorageError::BadUrl`] if it is no store's address,
    /// [`StorageError::Unconfigured`] if what it needs beside the address is missing, [`StorageError::Denied`] if the
    /// folder can't be made.
    pub fn open(url_or_path: &str) -> Result<Self> {
        Ok(Self::of(backend::open(url_or_path, IfMissing::Create)?))
    }

    /// Opens a store that must be there, for those that only read.
    ///
    /// # Errors
    /// As [`Store::open`], and [`StorageError::NoStore`] if the folder isn't there.
    pub fn open_existing(url_or_path: &str) -> Result<Self> {
        Ok(Self::of(backend::open(url_or_path, IfMissing::Fail)?))
    }

    /// A store over any `object_store`, which goes by `url` in errors. For tests with faults.
    pub fn from_object_store(objects: Arc<dyn ObjectStore>, url: &str) -> Self {
        Self::of(backend::OpenedStore { objects, url: url.to_owned(), root: None })
    }

    /// The same over objects that lie in the folder `root`. For tests with faults.
    pub fn from_object_store_in(objects: Arc<dyn ObjectStore>, url: &str, root: PathBuf) -> Self {
        Self::of(backend::OpenedStore { objects, url: url.to_owned(), root: Some(root) })
    }

    /// The façade over what a backend opened.
    pub(crate) fn of(opened: backend::OpenedStore) -> Self {
        let backend::OpenedStore { objects, url, root } = opened;
        let parts = Arc::new(Semaphore::new(PARTS_UNDER_WAY));
        Self(Arc::new(Inner { objects, parts, url, root, retry: Retry::default() }))
    }

    /// The same store with other retries.
    #[must_use]
    pub fn with_retry(self, retry: Retry) -> Self {
        let Inner { objects, parts, url, root, .. } = &*self.0;
        let (objects, parts) = (Arc::clone(objects), Arc::clone(parts));
        Self(Arc::new(Inner { objects, parts, url: url.clone(), root: root.clone(), retry }))
    }

    /// The URL under which the same store can be opened again.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The folder, if the store is one.
    pub fn folder(&self) -> Option<&Path> {
        self.0.root.as_deref()
    }

    /// Writes an object, over what is there; all of it or nothing.
    ///
    /// # Errors
    /// [`StorageError::Denied`], [`StorageError::Full`], [`StorageError::Unavailable`], [`StorageError::InvalidKey`].
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        let path = key::path(key)?;
        let (path, bytes) = (&path, &bytes);
        let timeout = self.0.retry.timeout_for(bytes.len() as u64);
        self.0
            .retry
            .run(|| async move {
                let put = self.0.objects.put(path, PutPayload::from_bytes(bytes.clone()));
                self.timed(key, timeout, put).await.map(drop).map_err(StorageError::without_condition)
            })
            .await
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
        let timeout = self.0.retry.timeout_for(end - range.start);
        self.0
            .retry
            .run(|| async move {
                self.timed(key, timeout, self.0.objects.get_range(path, range.start..end)).await
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
        let timeout = self.0.retry.timeout;
        self.0
            .retry
            .run(|| async move { Ok(self.timed(key, timeout, self.0.objects.head(path)).await?.size) })
            .await
    }

    /// The objects under a prefix (whole segments; empty for the whole store), each with its size, sorted by key.
    ///
    /// # Errors
    /// As [`Store::get`], without [`StorageError::NotFound`].
    pub async fn list(&self, prefix: &str) -> Result<Vec<(String, u64)>> {
        let path = key::prefix(prefix)?;
        let path = path.as_ref();
        let mut found = self
            .0
            .retry
            .run(|| async move {
                let mut objects = self.0.objects.list(path);
                let mut found = Vec::new();
                while let Some(meta) = self.timed_next(prefix, &mut objects).await? {
                    found.push((meta.location.to_string(), meta.size));
                }
                Ok(found)
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
        let timeout = self.0.retry.timeout;
        self.0
            .retry
            .run(|| async move {
                let list = self.0.objects.list_with_delimiter(path);
                let found = match self.timed(prefix, timeout, list).await {
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
        let timeout = self.0.retry.timeout;
        let deleted = self
            .0
            .retry
            .run(|| async move { self.timed(key, timeout, self.0.objects.delete(path)).await })
            .await;
        match deleted {
            Err(StorageError::NotFound { .. }) => Ok(()),
            deleted => deleted,
        }
    }

    /// Size and digest of the object at `key`, read through without keeping it.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn contents(&self, key: &str) -> Result<Contents> {
        let mut object = ObjectReader::open(self, key).await?;
        let mut hasher = ContentsHasher::default();
        while let Some(chunk) = object.next().await? {
            hasher.update(&chunk);
        }
        Ok(hasher.finish())
    }

    /// Removes what killed writers left half written, where the store is a folder: files that haven't got their names, and
    /// that nobody has written to for a day. Gives how many.
    ///
    /// # Errors
    /// If the folder can't be read.
    pub async fn remove_abandoned(&self) -> Result<u64> {
        let Some(root) = self.folder().map(Path::to_path_buf) else { return Ok(0) };
        tokio::task::spawn_blocking(move || backend::remove_staged_before(&root, ABANDONED_AFTER))
            .await
            .map_err(std::io::Error::other)
            .and_then(|removed| removed)
            .map_err(|source| self.of_file("", source))
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

/// What the other modules of this crate build on.
impl Store {
    /// The objects underneath.
    pub(crate) fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.0.objects
    }

    /// What a part of a large file needs a permit of while it is in memory.
    pub(crate) fn parts(&self) -> &Arc<Semaphore> {
        &self.0.parts
    }

    /// How calls are retried.
    pub(crate) fn retry(&self) -> &Retry {
        &self.0.retry
    }

    /// An error that says what is wrong with the object at `key`.
    pub(crate) fn corrupt(&self, key: &str, why: impl Into<String>) -> StorageError {
        StorageError::Corrupt { store: self.0.url.clone(), key: key.to_owned(), why: why.into() }
    }

    /// Begins to read an object, once.
    pub(crate) async fn open_object(
        &self,
        key: &str,
        path: &object_store::path::Path,
        options: GetOptions,
    ) -> Result<GetResult> {
        self.timed(key, self.0.retry.timeout, self.0.objects.get_opts(path, options)).await
    }

    /// Reads an object whose size `admit` agrees with, before its bytes are in memory.
    pub(crate) async fn get_sized(
        &self,
        key: &str,
        admit: impl Fn(u64) -> Result<()> + Send + Sync,
    ) -> Result<Bytes> {
        let path = key::path(key)?;
        let (path, admit) = (&path, &admit);
        self.0
            .retry
            .run(|| async move {
                let opened = self.open_object(key, path, GetOptions::default()).await?;
                let size = opened.meta.size;
                admit(size)?;
                let bytes = self.timed(key, self.0.retry.timeout_for(size), opened.bytes()).await?;
                if bytes.len() as u64 != size {
                    let source = format!("{} of {size} bytes came", bytes.len()).into();
                    return Err(self.unavailable(key, source));
                }
                Ok(bytes)
            })
            .await
    }

    /// Reads an object with its version; of one longer than `limit` the size alone.
    pub(crate) async fn get_versioned(
        &self,
        key: &str,
        limit: u64,
    ) -> Result<(std::result::Result<Bytes, u64>, UpdateVersion)> {
        let path = key::path(key)?;
        let path = &path;
        self.0
            .retry
            .run(|| async move {
                let opened = self.open_object(key, path, GetOptions::default()).await?;
                let meta = &opened.meta;
                let version = UpdateVersion { e_tag: meta.e_tag.clone(), version: meta.version.clone() };
                let size = meta.size;
                if size > limit {
                    return Ok((Err(size), version));
                }
                let bytes = self.timed(key, self.0.retry.timeout_for(size), opened.bytes()).await?;
                if bytes.len() as u64 != size {
                    let source = format!("{} of {size} bytes came", bytes.len()).into();
                    return Err(self.unavailable(key, source));
                }
                Ok((Ok(bytes), version))
            })
            .await
    }

    /// Reads a JSON document of at most `limit` bytes, with its exact bytes; none if it isn't there.
    pub(crate) async fn read_document<T: DeserializeOwned>(
        &self,
        key: &str,
        limit: u64,
    ) -> Result<Option<(T, Bytes)>> {
        let admit = |size| match size <= limit {
            true => Ok(()),
            false => Err(self.corrupt(key, format!("it has {size} bytes, and at most {limit} make sense"))),
        };
        let bytes = match self.get_sized(key, admit).await {
            Err(StorageError::NotFound { .. }) => return Ok(None),
            bytes => bytes?,
        };
        let document =
            serde_json::from_slice(&bytes).map_err(|error| self.corrupt(key, error.to_string()))?;
        Ok(Some((document, bytes)))
    }

    /// One try of a call that may take `timeout`, after which its outcome is unknown.
    pub(crate) async fn timed<T>(
        &self,
        key: &str,
        timeout: Duration,
        call: impl Future<Output = object_store::Result<T>> + Send,
    ) -> Result<T> {
        match tokio::time::timeout(timeout, call).await {
            Ok(done) => done.map_err(|error| StorageError::of_store(&self.0.url, key, error)),
            Err(elapsed) => Err(self.unavailable(key, elapsed.into())),
        }
    }

    /// The next item of a stream that may stall for the length of a try.
    pub(crate) async fn timed_next<T>(
        &self,
        key: &str,
        stream: &mut futures::stream::BoxStream<'_, object_store::Result<T>>,
    ) -> Result<Option<T>> {
        self.timed(key, self.0.retry.timeout, stream.try_next()).await
    }

    /// The situation of a file of the store that can't be read or written.
    pub(crate) fn of_file(&self, key: &str, source: std::io::Error) -> StorageError {
        let generic = object_store::Error::Generic { store: "folder", source: source.into() };
        StorageError::of_store(&self.0.url, key, generic)
    }

    /// An error that passes.
    pub(crate) fn unavailable(&self, key: &str, source: crate::Cause) -> StorageError {
        StorageError::Unavailable { store: self.0.url.clone(), key: key.to_owned(), tries: 1, source }
    }
}
