//! What the board knows of a coordinator: asked for again and again while somebody looks, and seldom while nobody does.
//!
//! The [poller](poll) asks, one look at a time, and puts whole new [snapshots](Snapshot) in the place of old ones; pages are made of the
//! one that is there. What changed is told to whoever listens ([`changes`]).

pub(crate) mod changes;
mod poll;
mod snapshot;

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use basin_coordinator::client::Client;
use tokio::sync::{Notify, watch};

use self::changes::Changes;
pub(crate) use self::poll::Poller;
pub(crate) use self::snapshot::Snapshot;

/// For how long somebody who asked for a page is said to look.
const LOOKING: Duration = Duration::from_secs(20);
/// How old what is known may be when a page is made of it.
const FRESH: Duration = Duration::from_secs(2);
/// How long a page waits for a new look.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// What the board knows.
#[derive(Debug)]
pub(crate) struct Model {
    now: RwLock<Arc<Snapshot>>,
    /// What changed, for whoever listens.
    pub(crate) changes: Changes,
    looked: Mutex<Option<Instant>>,
    /// The coordinator as somebody who looks may call it, for a board without credentials of its own.
    lent: Mutex<Option<Client>>,
    asked: Notify,
    /// How many looks have ended.
    looks: watch::Sender<u64>,
}

impl Model {
    /// Nothing is known yet.
    pub(crate) fn new() -> Self {
        Self {
            now: RwLock::default(),
            changes: Changes::default(),
            looked: Mutex::default(),
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
