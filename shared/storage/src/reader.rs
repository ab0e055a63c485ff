//! Reading an object from end to end without holding it: after an interruption it goes on where it was.

use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta};

use crate::contents::ContentsHasher;
use crate::{Contents, Result, StorageError, Store, StoreCall, key};

/// An object that is being read. A large one over a bad line would never arrive if each interruption began anew.
pub(crate) struct ObjectReader<'a> {
    store: &'a Store,
    key: &'a str,
    path: Path,
    meta: ObjectMeta,
    chunks: Option<BoxStream<'static, object_store::Result<Bytes>>>,
    /// The bytes that came.
    at: u64,
    /// The failures since the last bytes came.
    failures: u32,
}

impl<'a> ObjectReader<'a> {
    /// Begins to read.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub(crate) async fn open(store: &'a Store, key: &'a str) -> Result<Self> {
        let path = key::path(key)?;
        let opened = store.retry().run(|| store.open_object(key, &path, GetOptions::default())).await?;
        let meta = opened.meta.clone();
        Ok(Self { store, key, path, meta, chunks: Some(opened.into_stream()), at: 0, failures: 0 })
    }

    /// The object's size.
    pub(crate) fn size(&self) -> u64 {
        self.meta.size
    }

    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// As [`Store::get`]. It is [`StorageError::Unavailable`] also if the object was replaced on the way.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            match self.try_next().await {
                Ok(chunk) => {
                    let came = chunk.as_ref().map_or(0, Bytes::len) as u64;
                    self.at += came;
                    // Nothing is no progress: a server that sends nothing again and again is given up.
                    if came > 0 {
                        self.failures = 0;
                    }
                    return Ok(chunk);
                }
                Err(StorageError::Unavailable { store, key, source, .. }) => {
                    self.chunks = None;
                    self.failures += 1;
                    tracing::debug!(%store, %key, at = self.at, error = %source, "reading was interrupted");
                    if !self.store.retry().wait_after(self.failures).await {
                        return Err(StorageError::Unavailable { store, key, tries: self.failures, source });
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_next(&mut self) -> Result<Option<Bytes>> {
        let chunks = match &mut self.chunks {
            Some(chunks) => chunks,
            none if self.at < self.meta.size => {
                let rest = GetOptions::default().with_range(Some(GetRange::Offset(self.at)));
                let opened = self.store.open_object(self.key, &self.path, rest).await?;
                if (opened.meta.size, &opened.meta.e_tag) != (self.meta.size, &self.meta.e_tag) {
                    return Err(self.store.unavailable(self.key, "it was replaced while it was read".into()));
                }
                none.insert(opened.into_stream())
            }
            None => return Ok(None),
        };
        let next = self.store.timed_next(self.key, chunks);
        let chunk = self.store.measured(StoreCall::Read, next).await?;
        if chunk.is_none() && self.at < self.meta.size {
            let why = format!("{} of {} bytes came", self.at, self.meta.size);
            return Err(self.store.unavailable(self.key, why.into()));
        }
        Ok(chunk)
    }
}

impl Store {
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
}
