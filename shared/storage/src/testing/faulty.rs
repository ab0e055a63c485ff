//! A store that fails on command: in every way in which a call's answer and its effect can differ.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::time::Instant;

use crate::Store;

/// The operation of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Writes, in one call or in parts.
    Put,
    /// Reads, also of size alone.
    Get,
    /// Lists.
    List,
    /// Removes.
    Delete,
}

/// The answer of a faulty store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InjectedError {
    /// 412, or 409 as `object_store` passes it on.
    AlreadyExists,
    /// 503.
    Unavailable,
    /// Nothing within the client's time.
    TimedOut,
    /// 403.
    Denied,
    /// 507.
    Full,
}

/// The fault of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It isn't done, and this is said.
    Fail(InjectedError),
    /// It is done, and this is said all the same.
    ApplyThenFail(InjectedError),
    /// This is said, and it is done so much later (writes only).
    FailThenApply(InjectedError, Duration),
    /// It is done so much later, and then answered rightly.
    Delay(Duration),
    /// It isn't done, and never answered.
    Hang,
    /// It is done, and never answered.
    ApplyThenHang,
    /// One bit of what is read is wrong (reads only).
    Flip,
    /// Half of what is read is missing (reads only).
    Truncate,
}

/// The store's treatment of conditional writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Conditions {
    /// One writer wins.
    #[default]
    Honoured,
    /// All writers win.
    Ignored,
    /// Looked at first and written then: right one at a time, wrong in a race.
    OneAtATime,
}

/// A store over another one, with faults.
#[derive(Debug, Clone)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    conditions: Conditions,
    state: Arc<Mutex<FaultyState>>,
}

#[derive(Debug, Default)]
struct FaultyState {
    rules: Vec<FaultRule>,
    calls: Vec<(Operation, String)>,
    down_until: Option<Instant>,
}

#[derive(Debug)]
struct FaultRule {
    operation: Operation,
    part: String,
    left: u32,
    fault: Fault,
}

impl FaultyStore {
    /// Over `inner`, without faults so far.
    pub fn over(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, conditions: Conditions::default(), state: Arc::default() }
    }

    /// Over memory of its own.
    pub fn in_memory() -> Self {
        Self::over(Arc::new(InMemory::new()))
    }

    /// The same with another idea of conditional writes.
    #[must_use]
    pub fn with_conditions(self, conditions: Conditions) -> Self {
        Self { conditions, ..self }
    }

    /// The façade over it.
    pub fn store(&self) -> Store {
        Store::from_object_store(Arc::new(self.clone()), "faulty://store")
    }

    /// The next `times` calls of this kind whose key contains `part` meet this fault. Rules apply in their order.
    pub fn on(&self, operation: Operation, part: &str, times: u32, fault: Fault) {
        self.state().rules.push(FaultRule { operation, part: part.to_owned(), left: times, fault });
    }

    /// Every call fails for so long.
    pub fn down_for(&self, duration: Duration) {
        self.state().down_until = Some(Instant::now() + duration);
    }

    /// From now on nothing goes wrong any more.
    pub fn heal(&self) {
        let mut state = self.state();
        state.rules.clear();
        state.down_until = None;
    }

    /// The calls so far of this kind whose key contains `part`.
    pub fn calls(&self, operation: Operation, part: &str) -> usize {
        self.state().calls.iter().filter(|(kind, key)| *kind == operation && key.contains(part)).count()
    }

    fn state(&self) -> MutexGuard<'_, FaultyState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, operation: Operation, key: &str) -> Option<Fault> {
        let mut state = self.state();
        state.calls.push((operation, key.to_owned()));
        if state.down_until.is_some_and(|until| Instant::now() < until) {
            return Some(Fault::Fail(InjectedError::Unavailable));
        }
        let rule = state
            .rules
            .iter_mut()
            .find(|rule| rule.left > 0 && rule.operation == operation && key.contains(&rule.part))?;
        rule.left = rule.left.saturating_sub(1);
        Some(rule.fault)
    }

    /// The write itself, with this store's idea of conditions.
    async fn write(&self, key: &Path, payload: PutPayload, mut options: PutOptions) -> Result<PutResult> {
        match (self.conditions, &options.mode) {
            (Conditions::Ignored, PutMode::Create | PutMode::Update(_)) => options.mode = PutMode::Overwrite,
            (Conditions::OneAtATime, PutMode::Create) => {
                let found = self.inner.head(key).await;
                tokio::task::yield_now().await;
                if found.is_ok() {
                    return Err(InjectedError::AlreadyExists.error(key.as_ref()));
                }
                options.mode = PutMode::Overwrite;
            }
            (_, PutMode::Create | PutMode::Overwrite | PutMode::Update(_)) => {}
        }
        self.inner.put_opts(key, payload, options).await
    }

    /// A call without an effect that could come before or after its answer.
    async fn call<T>(
        &self,
        operation: Operation,
        key: &str,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        match self.fault(operation, key) {
            None | Some(Fault::Flip | Fault::Truncate) => call.await,
            Some(Fault::Fail(said) | Fault::FailThenApply(said, _)) => Err(said.error(key)),
            Some(Fault::ApplyThenFail(said)) => {
                call.await?;
                Err(said.error(key))
            }
            Some(Fault::Delay(duration)) => {
                tokio::time::sleep(duration).await;
                call.await
            }
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::ApplyThenHang) => {
                call.await?;
                std::future::pending().await
            }
        }
    }
}

impl InjectedError {
    fn error(self, key: &str) -> Error {
        let (path, source) = (key.to_owned(), format!("a fault: {self:?}").into());
        match self {
            Self::AlreadyExists => Error::AlreadyExists { path, source },
            Self::Unavailable | Self::TimedOut => Error::Generic { store: "faulty", source },
            Self::Denied => Error::PermissionDenied { path, source },
            Self::Full => {
                let source = std::io::Error::from(std::io::ErrorKind::StorageFull).into();
                Error::Generic { store: "faulty", source }
            }
        }
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultyStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, key: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        match self.fault(Operation::Put, key.as_ref()) {
            None | Some(Fault::Flip | Fault::Truncate) => self.write(key, payload, options).await,
            Some(Fault::Fail(said)) => Err(said.error(key.as_ref())),
            Some(Fault::ApplyThenFail(said)) => {
                // Whatever came of it, this is what is said.
                let _ = self.write(key, payload, options).await;
                Err(said.error(key.as_ref()))
            }
            Some(Fault::FailThenApply(said, later)) => {
                let (store, to) = (self.clone(), key.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(later).await;
                    let _ = store.write(&to, payload, options).await;
                });
                Err(said.error(key.as_ref()))
            }
            Some(Fault::Delay(duration)) => {
                tokio::time::sleep(duration).await;
                self.write(key, payload, options).await
            }
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::ApplyThenHang) => {
                let _ = self.write(key, payload, options).await;
                std::future::pending().await
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.call(Operation::Put, key.as_ref(), self.inner.put_multipart_opts(key, options)).await
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        let damage = match self.fault(Operation::Get, key.as_ref()) {
            Some(fault @ (Fault::Flip | Fault::Truncate)) => fault,
            None => return self.inner.get_opts(key, options).await,
            Some(Fault::Delay(duration)) => {
                tokio::time::sleep(duration).await;
                return self.inner.get_opts(key, options).await;
            }
            Some(Fault::Hang | Fault::ApplyThenHang) => return std::future::pending().await,
            Some(Fault::Fail(said) | Fault::ApplyThenFail(said) | Fault::FailThenApply(said, _)) => {
                return Err(said.error(key.as_ref()));
            }
        };
        let mut found = self.inner.get_opts(key, options).await?;
        let (meta, range, attributes) =
            (found.meta.clone(), found.range.clone(), std::mem::take(&mut found.attributes));
        let extensions = std::mem::take(&mut found.extensions);
        let damaged = match (damage, found.bytes().await?) {
            (Fault::Truncate, whole) => whole.slice(..whole.len() / 2),
            (_, whole) => {
                let mut bytes = whole.to_vec();
                let middle = bytes.len() / 2;
                bytes.iter_mut().skip(middle).take(1).for_each(|byte| *byte ^= 1);
                Bytes::from(bytes)
            }
        };
        let payload = GetResultPayload::Stream(futures::stream::iter([Ok(damaged)]).boxed());
        Ok(GetResult { payload, meta, range, attributes, extensions })
    }

    fn delete_stream(&self, keys: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        keys.then(move |key| {
            let store = store.clone();
            async move {
                let key = key?;
                store.call(Operation::Delete, key.as_ref(), store.inner.delete(&key)).await?;
                Ok(key)
            }
        })
        .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let key = prefix.map(ToString::to_string).unwrap_or_default();
        let (store, objects) = (self.clone(), self.inner.list(prefix));
        let begun = async move { store.call(Operation::List, &key, async { Ok(objects) }).await };
        futures::stream::once(begun)
            .flat_map(|begun| match begun {
                Ok(objects) => objects,
                Err(error) => futures::stream::iter([Err(error)]).boxed(),
            })
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let key = prefix.map(ToString::to_string).unwrap_or_default();
        self.call(Operation::List, &key, self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.call(Operation::Put, to.as_ref(), self.inner.copy_opts(from, to, options)).await
    }
}
