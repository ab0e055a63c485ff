//! A store: how it is opened, and what all of its calls share. What it can do with objects is in `objects`, a file for each
//! larger thing (`commit_write`, `checkpoint`, `sweep`, …) beside it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use tokio::sync::Semaphore;

use crate::backend::{self, IfMissing};
use crate::{Result, Retry, StoreMeter};

/// Parts of large files under way at once, over all uploads of a store.
const PARTS_UNDER_WAY: usize = 8;

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
    meter: StoreMeter,
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
    /// [`StorageError::UnknownScheme`](crate::StorageError::UnknownScheme) and [`StorageError::BadUrl`](crate::StorageError::BadUrl) if it is no store's address,
    /// [`StorageError::Unconfigured`](crate::StorageError::Unconfigured) if what it needs beside the address is missing, [`StorageError::Denied`](crate::StorageError::Denied) if the
    /// folder can't be made.
    pub fn open(url_or_path: &str) -> Result<Self> {
        Ok(Self::of(backend::open(url_or_path, IfMissing::Create)?))
    }

    /// Opens a store that must be there, for those that only read.
    ///
    /// # Errors
    /// As [`Store::open`], and [`StorageError::NoStore`](crate::StorageError::NoStore) if the folder isn't there.
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
        let (retry, meter) = (Retry::default(), StoreMeter::default());
        Self(Arc::new(Inner { objects, parts, url, root, retry, meter }))
    }

    /// The same store with other retries.
    #[must_use]
    pub fn with_retry(self, retry: Retry) -> Self {
        let Inner { objects, parts, url, root, meter, .. } = &*self.0;
        let (objects, parts) = (Arc::clone(objects), Arc::clone(parts));
        let (url, root, meter) = (url.clone(), root.clone(), meter.clone());
        Self(Arc::new(Inner { objects, parts, url, root, retry, meter }))
    }

    /// The URL under which the same store can be opened again.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The folder, if the store is one.
    pub fn folder(&self) -> Option<&Path> {
        self.0.root.as_deref()
    }

    /// What this process asked of it, how long that took and what came between.
    pub fn meter(&self) -> &StoreMeter {
        &self.0.meter
    }

    /// The objects underneath.
    pub(crate) fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.0.objects
    }

    /// The permits for parts of large files while it is in memory.
    pub(crate) fn parts(&self) -> &Arc<Semaphore> {
        &self.0.parts
    }

    /// How calls are retried.
    pub(crate) fn retry(&self) -> &Retry {
        &self.0.retry
    }
}
