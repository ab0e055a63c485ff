//! The store: objects in memory, which every host reaches over its own way, with answers that differ from effects.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use basin_storage::{Retry, Store};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::chance::Chance;
use crate::host::{Host, Life};
use crate::plan::StoreFault;
use crate::world::{Flaw, World};

/// The URL of the store.
pub(crate) const URL: &str = "sim://store";
/// Which promise a second commit breaks.
pub(crate) const ONCE: &str = "a task is committed at most once, and a committed task is never lost";

/// The objects, whoever reads and writes them.
pub(crate) struct Objects {
    inner: InMemory,
    state: Mutex<State>,
}

struct State {
    chance: Chance,
    /// By the number of the fault.
    faults: BTreeMap<usize, (Option<Host>, StoreFault)>,
    /// What has been in the place of each commit.
    commits: BTreeMap<String, Bytes>,
}

/// What becomes of a call.
enum Verdict {
    Done,
    Fails(Said),
    IsDoneAndFails(Said),
    FailsAndIsDoneLater(Duration),
}

#[derive(Clone, Copy)]
enum Said {
    Unavailable,
    Exists,
    Denied,
    Full,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Read,
    Write,
    Create,
}

impl Objects {
    pub(crate) fn new(seed: u64) -> Self {
        let state =
            State { chance: Chance::new(seed, "store"), faults: BTreeMap::new(), commits: BTreeMap::new() };
        Self { inner: InMemory::new(), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn begin_fault(&self, number: usize, whose: Option<Host>, fault: StoreFault) {
        self.state().faults.insert(number, (whose, fault));
    }

    pub(crate) fn end_fault(&self, number: usize) {
        self.state().faults.remove(&number);
    }

    /// Ends all faults, so that what lies here can be looked at.
    pub(crate) fn end_faults(&self) {
        self.state().faults.clear();
    }
}

impl State {
    fn verdict(&mut self, host: Host, call: Call) -> Verdict {
        let faults: Vec<StoreFault> = self
            .faults
            .values()
            .filter(|(whose, _)| whose.is_none_or(|whose| whose == host))
            .map(|(_, it)| *it)
            .collect();
        for fault in faults {
            let happens = self.chance.happens(0.5);
            match fault {
                StoreFault::Errors if happens => return Verdict::Fails(Said::Unavailable),
                StoreFault::LostAnswers if happens && call == Call::Create => {
                    let said = if self.chance.happens(0.5) { Said::Exists } else { Said::Unavailable };
                    return Verdict::IsDoneAndFails(said);
                }
                StoreFault::LostAnswers if happens => return Verdict::IsDoneAndFails(Said::Unavailable),
                StoreFault::LateWrites if happens && call != Call::Read => {
                    return Verdict::FailsAndIsDoneLater(Duration::from_millis(
                        self.chance.between(100, 25_000),
                    ));
                }
                StoreFault::Denied => return Verdict::Fails(Said::Denied),
                StoreFault::Full if call != Call::Read => return Verdict::Fails(Said::Full),
                StoreFault::Errors
                | StoreFault::LostAnswers
                | StoreFault::LateWrites
                | StoreFault::Full
                | StoreFault::Slow => {}
            }
        }
        Verdict::Done
    }

    fn delay(&mut self, host: Host) -> Duration {
        let is_slow = self
            .faults
            .values()
            .any(|(whose, fault)| *fault == StoreFault::Slow && whose.is_none_or(|whose| whose == host));
        Duration::from_millis(
            self.chance.between(2, 12) + if is_slow { self.chance.between(500, 4_000) } else { 0 },
        )
    }
}

impl Said {
    fn error(self, key: &str) -> Error {
        let path = key.to_owned();
        match self {
            Self::Unavailable => Error::Generic { store: "sim", source: "503".into() },
            Self::Exists => Error::AlreadyExists { path, source: "412".into() },
            Self::Denied => Error::PermissionDenied { path, source: "403".into() },
            Self::Full => {
                let source = std::io::Error::from(std::io::ErrorKind::StorageFull).into();
                Error::Generic { store: "sim", source }
            }
        }
    }
}

/// The store as a process on a host reaches it.
#[derive(Clone)]
pub(crate) struct StoreView {
    world: Arc<World>,
    host: Host,
    life: Life,
}

impl StoreView {
    /// The store, with a client that is as patient as a short lease asks for.
    pub(crate) fn open(world: &Arc<World>, host: Host, life: &Life) -> Store {
        let view = Self { world: Arc::clone(world), host, life: life.clone() };
        let timeout = Duration::from_secs(5);
        let retry = Retry { tries: 5, timeout, jitter: 0.0, ..Retry::default() };
        Store::from_object_store(Arc::new(view), URL).with_retry(retry)
    }

    /// Never returns for who is dead, or cut off.
    async fn travel(&self, from: Host, to: Host) {
        let delay = self.world.objects.state().delay(self.host);
        tokio::time::sleep(delay).await;
        if self.life.is_over() || self.world.network.is_cut(from, to) {
            std::future::pending::<()>().await;
        }
    }

    /// A call, with its ways there and back.
    async fn call<T: Send>(
        &self,
        call: Call,
        key: &str,
        does: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        self.travel(self.host, Host::Store).await;
        let verdict = self.world.objects.state().verdict(self.host, call);
        let done = match verdict {
            Verdict::Done => does.await,
            Verdict::Fails(said) => Err(said.error(key)),
            Verdict::IsDoneAndFails(said) => {
                // Whatever came of it, this is what is said.
                let _ = does.await;
                Err(said.error(key))
            }
            Verdict::FailsAndIsDoneLater(_) => Err(Said::Unavailable.error(key)),
        };
        self.travel(Host::Store, self.host).await;
        done
    }

    /// A write's effect.
    async fn write(&self, key: &Path, payload: PutPayload, mut options: PutOptions) -> Result<PutResult> {
        let is_probe = key.as_ref().starts_with(basin_domain::key::PROBES);
        let ignores = self.world.plan.cluster.ignores_conditions
            || self.world.has(Flaw::ConditionsIgnored) && !is_probe;
        if ignores && !matches!(options.mode, PutMode::Overwrite) {
            options.mode = PutMode::Overwrite;
        }
        let bytes = Bytes::from(payload.clone());
        let written = self.world.objects.inner.put_opts(key, payload, options).await?;
        if key.as_ref().ends_with("/commit.json") {
            self.note_commit(key.as_ref(), &bytes);
        }
        Ok(written)
    }

    fn note_commit(&self, key: &str, bytes: &Bytes) {
        let before = self.world.objects.state().commits.insert(key.to_owned(), bytes.clone());
        match before {
            Some(before) if before != *bytes => {
                self.world.breaks(ONCE, format!("{} wrote over {key}", self.host));
            }
            Some(_) => {}
            None => self.world.tell(format!("{} committed {}", self.host, short(key))),
        }
    }
}

/// The beginning of a task's id in a key.
fn short(key: &str) -> &str {
    key.split('/').nth(2).map_or(key, |id| &id[..id.len().min(8)])
}

impl fmt::Debug for StoreView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreView({})", self.host)
    }
}

impl fmt::Display for StoreView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[tonic::async_trait]
impl ObjectStore for StoreView {
    async fn put_opts(&self, key: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let call = if matches!(options.mode, PutMode::Overwrite) { Call::Write } else { Call::Create };
        self.travel(self.host, Host::Store).await;
        let verdict = self.world.objects.state().verdict(self.host, call);
        let said = match verdict {
            Verdict::Done => self.write(key, payload, options).await,
            Verdict::Fails(said) => Err(said.error(key.as_ref())),
            Verdict::IsDoneAndFails(said) => {
                let _ = self.write(key, payload, options).await;
                Err(said.error(key.as_ref()))
            }
            Verdict::FailsAndIsDoneLater(later) => {
                let (view, to) = (self.clone(), key.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(later).await;
                    let _ = view.write(&to, payload, options).await;
                });
                Err(Said::Unavailable.error(key.as_ref()))
            }
        };
        self.travel(Host::Store, self.host).await;
        said
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let begun = self.world.objects.inner.put_multipart_opts(key, options);
        self.call(Call::Write, key.as_ref(), begun).await
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        self.call(Call::Read, key.as_ref(), self.world.objects.inner.get_opts(key, options)).await
    }

    fn delete_stream(&self, keys: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let view = self.clone();
        keys.then(move |key| {
            let view = view.clone();
            async move {
                let key = key?;
                if key.as_ref().ends_with("/commit.json") {
                    view.world.breaks(ONCE, format!("{} removed {key}", view.host));
                }
                view.call(Call::Write, key.as_ref(), view.world.objects.inner.delete(&key)).await?;
                Ok(key)
            }
        })
        .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (view, prefix) = (self.clone(), prefix.cloned());
        let listed = async move {
            let key = prefix.as_ref().map(ToString::to_string).unwrap_or_default();
            let listed =
                async { Ok(view.world.objects.inner.list(prefix.as_ref()).collect::<Vec<_>>().await) };
            view.call(Call::Read, &key, listed).await
        };
        futures::stream::once(listed)
            .flat_map(|listed| futures::stream::iter(listed.unwrap_or_else(|error| vec![Err(error)])))
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let key = prefix.map(ToString::to_string).unwrap_or_default();
        self.call(Call::Read, &key, self.world.objects.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.call(Call::Write, to.as_ref(), self.world.objects.inner.copy_opts(from, to, options)).await
    }
}
