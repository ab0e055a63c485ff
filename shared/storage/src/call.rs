//! One call: how long a try may take, what an answer that comes too late means, how it is counted, and reads whose size is known before
//! their bytes are in memory.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{GetOptions, GetResult, UpdateVersion};
use serde::de::DeserializeOwned;

use crate::call_span::CallSpan;
use crate::{Result, StorageError, Store, StoreCall, key};

impl Store {
    /// An error that says what is wrong with the object at `key`.
    pub(crate) fn corrupt(&self, key: &str, why: impl Into<String>) -> StorageError {
        StorageError::Corrupt { store: self.url().to_owned(), key: key.to_owned(), why: why.into() }
    }

    /// Begins to read an object, once.
    pub(crate) async fn open_object(
        &self,
        key: &str,
        path: &object_store::path::Path,
        options: GetOptions,
    ) -> Result<GetResult> {
        self.timed(StoreCall::Get, key, self.retry().timeout, self.objects().get_opts(path, options)).await
    }

    /// Reads an object whose size `admit` agrees with, before its bytes are in memory.
    pub(crate) async fn get_sized(
        &self,
        key: &str,
        admit: impl Fn(u64) -> Result<()> + Send + Sync,
    ) -> Result<Bytes> {
        let path = key::path(key)?;
        let (path, admit) = (&path, &admit);
        let span = CallSpan::begin("store.get", key);
        let get = self.retry().run(|| async move {
            let opened = self.open_object(key, path, GetOptions::default()).await?;
            let size = opened.meta.size;
            admit(size)?;
            let timeout = self.retry().timeout_for(size);
            let bytes = self.timed(StoreCall::Read, key, timeout, opened.bytes()).await?;
            if bytes.len() as u64 != size {
                let source = format!("{} of {size} bytes came", bytes.len()).into();
                return Err(self.unavailable(key, source));
            }
            Ok(bytes)
        });
        let bytes = span.follow(get).await?;
        span.note_bytes(bytes.len() as u64);
        Ok(bytes)
    }

    /// Reads an object with its version; of one longer than `limit` the size alone.
    pub(crate) async fn get_versioned(
        &self,
        key: &str,
        limit: u64,
    ) -> Result<(std::result::Result<Bytes, u64>, UpdateVersion)> {
        let path = key::path(key)?;
        let path = &path;
        let span = CallSpan::begin("store.get", key);
        let get = self.retry().run(|| async move {
            let opened = self.open_object(key, path, GetOptions::default()).await?;
            let meta = &opened.meta;
            let version = UpdateVersion { e_tag: meta.e_tag.clone(), version: meta.version.clone() };
            let size = meta.size;
            if size > limit {
                return Ok((Err(size), version));
            }
            let timeout = self.retry().timeout_for(size);
            let bytes = self.timed(StoreCall::Read, key, timeout, opened.bytes()).await?;
            if bytes.len() as u64 != size {
                let source = format!("{} of {size} bytes came", bytes.len()).into();
                return Err(self.unavailable(key, source));
            }
            Ok((Ok(bytes), version))
        });
        span.follow(get).await
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

    /// One try of a call that may take `timeout`, after which its outcome is unknown. The meter counts it as one of this kind.
    pub(crate) async fn timed<T>(
        &self,
        kind: StoreCall,
        key: &str,
        timeout: Duration,
        call: impl Future<Output = object_store::Result<T>> + Send,
    ) -> Result<T> {
        self.measured(kind, self.limited(key, timeout, call)).await
    }

    /// One try, which the meter counts as one of this kind.
    pub(crate) async fn measured<T>(
        &self,
        kind: StoreCall,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let began = Instant::now();
        let done = call.await;
        self.meter().note(kind, began.elapsed(), done.as_ref().err());
        done
    }

    async fn limited<T>(
        &self,
        key: &str,
        timeout: Duration,
        call: impl Future<Output = object_store::Result<T>> + Send,
    ) -> Result<T> {
        match tokio::time::timeout(timeout, call).await {
            Ok(done) => done.map_err(|error| StorageError::of_store(self.url(), key, error)),
            Err(elapsed) => Err(self.unavailable(key, elapsed.into())),
        }
    }

    /// The next item of a stream that may stall for the length of a try. Who reads the stream has it counted.
    pub(crate) async fn timed_next<T>(
        &self,
        key: &str,
        stream: &mut futures::stream::BoxStream<'_, object_store::Result<T>>,
    ) -> Result<Option<T>> {
        self.limited(key, self.retry().timeout, stream.try_next()).await
    }

    /// The situation of a file of the store that can't be read or written.
    pub(crate) fn of_file(&self, key: &str, source: std::io::Error) -> StorageError {
        let generic = object_store::Error::Generic { store: "folder", source: source.into() };
        StorageError::of_store(self.url(), key, generic)
    }

    /// An error that passes.
    pub(crate) fn unavailable(&self, key: &str, source: crate::Cause) -> StorageError {
        StorageError::Unavailable { store: self.url().to_owned(), key: key.to_owned(), tries: 1, source }
    }
}
