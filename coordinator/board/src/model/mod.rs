//! What the board knows of a coordinator: asked for again and again while somebody looks, and seldom while nobody does.
//!
//! The [poller](poll) asks, one look at a time, and puts whole new [snapshots](Snapshot) in the place of old ones; pages are made of the
//! one that is there. What changed is told to whoever listens ([`changes`]).

pub(crate) mod changes;
mod latency;
mod live_losses;
mod poll;
mod reading;
mod results;
mod results_store;
mod snapshot;
mod stored;
mod stored_words;
mod stream;
mod sweep;
mod task_list;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use basin_coordinator::client::Client;
use basin_storage::Store;
use tokio::sync::{Notify, watch};

use self::changes::Changes;
use self::latency::Latencies;
pub(crate) use self::latency::{LatencySummary, Timed};
pub(crate) use self::poll::Poller;
pub(crate) use self::results::{FigureShown, ShownResults, Turn};
use self::results_store::ResultsStore;
pub(crate) use self::snapshot::Snapshot;
pub(crate) use self::stored::StorePoller;
pub(crate) use self::stored_words::{INCOMPLETE, word as stored_word};
pub(crate) use self::stream::Bar;
use self::stream::TaskStream;
pub(crate) use self::sweep::SweepModel;
pub(crate) use self::task_list::TaskList;
use crate::settings::StoreChoice;

/// For how long somebody who asked for a page is said to look.
const LOOKING: Duration = Duration::from_secs(20);
/// How old what is known may be when a page is made of it.
const FRESH: Duration = Duration::from_secs(2);
/// How long a page waits for a new look.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// So many looks are waited for until a sweep's tasks are known.
const TRIES: u32 = 3;
/// So many sweeps are remembered that nobody looks at any more.
const REMEMBERED: usize = 8;

/// What the board knows.
#[derive(Debug)]
pub(crate) struct Model {
    now: RwLock<Arc<Snapshot>>,
    /// What changed, for whoever listens.
    pub(crate) changes: Changes,
    looked: Mutex<Option<Instant>>,
    /// The sweeps that somebody looks at, or looked at of late.
    sweeps: Mutex<HashMap<String, Arc<SweepModel>>>,
    store: ResultsStore,
    stream: Mutex<TaskStream>,
    /// How long calls took of late.
    pub(crate) latencies: Latencies,
    /// The coordinator as somebody who looks may call it, for a board without credentials of its own.
    lent: Mutex<Option<Client>>,
    asked: Notify,
    /// How many looks have ended.
    looks: watch::Sender<u64>,
}

impl Model {
    /// Nothing is known yet.
    pub(crate) fn new(store: StoreChoice) -> Self {
        Self {
            now: RwLock::default(),
            changes: Changes::default(),
            looked: Mutex::default(),
            sweeps: Mutex::default(),
            store: ResultsStore::new(store),
            stream: Mutex::default(),
            latencies: Latencies::default(),
            lent: Mutex::default(),
            asked: Notify::new(),
            looks: watch::Sender::new(0),
        }
    }

    /// What is known now.
    pub(crate) fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is known now or, if that is old, what the next look finds, if it comes in time.
    pub(crate) async fn fresh(&self) -> Arc<Snapshot> {
        let now = self.now();
        if now.asked.is_some_and(|at| at.elapsed() < FRESH) {
            return now;
        }
        self.look_again().await;
        self.now()
    }

    /// Has the coordinator asked at once, and waits for that for a moment.
    pub(crate) async fn look_again(&self) {
        let mut looks = self.looks.subscribe();
        self.asked.notify_one();
        let _ = tokio::time::timeout(PATIENCE, looks.changed()).await;
    }

    /// Somebody looks, and the coordinator may be called in their name.
    pub(crate) fn look(&self, client: Option<&Client>) {
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        if let Some(client) = client {
            *self.lent.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        }
    }

    /// The coordinator isn't called any more in the name of whoever looked: one of them has signed out. The next who looks lends theirs.
    pub(crate) fn give_back(&self) {
        *self.lent.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The store that results are read from.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub(crate) fn store(&self) -> Result<Store, String> {
        self.store.open(&self.now().store_url)
    }

    /// A sweep that somebody looks at from now on.
    pub(crate) fn sweep(&self, id: &str) -> Arc<SweepModel> {
        let mut sweeps = self.sweeps.lock().unwrap_or_else(PoisonError::into_inner);
        if !sweeps.contains_key(id) && sweeps.len() >= REMEMBERED {
            let oldest = sweeps.values().max_by_key(|sweep| sweep.unseen_for()).map(|sweep| sweep.id.clone());
            if let Some(oldest) = oldest {
                sweeps.remove(&oldest);
                self.changes.forget(&oldest);
            }
        }
        let sweep = sweeps.entry(id.to_owned()).or_insert_with(|| Arc::new(SweepModel::new(id)));
        sweep.look();
        Arc::clone(sweep)
    }

    /// The same once the list of its tasks is there, if that comes in time.
    pub(crate) async fn listed_sweep(&self, id: &str) -> Arc<SweepModel> {
        let sweep = self.sweep(id);
        for _ in 0..TRIES {
            if !matches!(sweep.list(), TaskList::Reading) {
                break;
            }
            self.look_again().await;
        }
        sweep
    }

    /// What ran on workers since then, in milliseconds since the Unix epoch.
    pub(crate) fn bars_since(&self, from: u64) -> Vec<Bar> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).since(from)
    }

    /// The list of a sweep's tasks, if somebody looks at it or did of late.
    fn known_list(&self, id: &str) -> Option<TaskList> {
        let sweeps = self.sweeps.lock().unwrap_or_else(PoisonError::into_inner);
        sweeps.get(id).map(|sweep| sweep.list())
    }

    /// The sweeps that somebody looks at.
    fn looked_at(&self) -> Vec<Arc<SweepModel>> {
        let sweeps = self.sweeps.lock().unwrap_or_else(PoisonError::into_inner);
        sweeps.values().filter(|sweep| sweep.unseen_for() < LOOKING).cloned().collect()
    }

    /// Forgets a sweep that isn't there any more.
    fn forget(&self, id: &str) {
        self.sweeps.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.changes.forget(id);
    }

    fn is_looked_at(&self) -> bool {
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looked.is_some_and(|at| at.elapsed() < LOOKING)
    }

    fn lent(&self) -> Option<Client> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, snapshot: Snapshot) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }
}
