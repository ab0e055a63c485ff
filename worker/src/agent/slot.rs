//! A slot: one executor process, and one lease after the other on it, its tasks as the executor's lanes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use basin_domain::failure::{Failure, FailureKind};
use basin_domain::id::WorkerId;
use basin_domain::worker::WorkerDescription;
use basin_proto::v1;
use basin_storage::{CommitMode, Store};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::{Mutex, mpsc};

use super::attempt::{self, Ended, Settlement, Workplace};
use super::cache::DataCache;
use super::child::{Executor, Program};
use super::coordinator::Coordinator;
use super::lease::{Lease, LeasedTask, Wish};

/// What every slot of an agent has in common.
pub(super) struct Shared {
    pub(super) coordinator: Coordinator,
    pub(super) store: Store,
    /// Who writes commits.
    pub(super) commits: CommitMode,
    pub(super) cache: DataCache,
    pub(super) worker: WorkerId,
    pub(super) description: WorkerDescription,
    pub(super) checkpoint_every: Duration,
    pub(super) scratch: PathBuf,
    /// Told whenever a lease has ended.
    pub(super) ended: mpsc::UnboundedSender<Arc<Lease>>,
}

/// How often a task is begun again whose executor died before it came to it.
const FRESH_STARTS: u32 = 3;

/// Works on leases until there are no more to come.
pub(super) async fn serve(
    shared: Arc<Shared>,
    program: Program,
    mut leases: mpsc::UnboundedReceiver<Arc<Lease>>,
) {
    let slot = Slot { shared, program, executor: Mutex::new(None) };
    while let Some(lease) = leases.recv().await {
        slot.work(&lease).await;
        if slot.shared.ended.send(lease).is_err() {
            break;
        }
    }
}

/// One executor, and the lease that it works on.
struct Slot {
    shared: Arc<Shared>,
    program: Program,
    executor: Mutex<Option<Arc<Executor>>>,
}

impl Slot {
    /// Works on all tasks of a lease. As many train as the executor has threads; some more are made ready meanwhile, or
    /// are being committed.
    async fn work(&self, lease: &Lease) {
        let at_once = 2 * self.program.threads as usize + 2;
        let mut tasks = lease.tasks.iter();
        let mut attempts = FuturesUnordered::new();
        loop {
            attempts
                .extend(tasks.by_ref().take(at_once - attempts.len()).map(|task| self.settle(lease, task)));
            if attempts.next().await.is_none() {
                break;
            }
        }
    }

    /// Works on one task, and says how it ended.
    async fn settle(&self, lease: &Lease, task: &LeasedTask) {
        let settlement = self.attempt(lease, task).await;
        tell(&self.shared, lease, task, settlement).await;
        lease.settle(task.id);
    }

    /// A living executor: the slot's, or a new one.
    async fn executor(&self) -> std::io::Result<Arc<Executor>> {
        let mut executor = self.executor.lock().await;
        if let Some(executor) = executor.as_ref().filter(|executor| executor.is_alive()) {
            return Ok(Arc::clone(executor));
        }
        let fresh = Arc::new(Executor::spawn(&self.program)?);
        tracing::debug!("executor started");
        Ok(Arc::clone(executor.insert(fresh)))
    }

    /// One attempt, with a scratch folder and a living executor.
    async fn attempt(&self, lease: &Lease, task: &LeasedTask) -> Settlement {
        let broken = |what: &str, error: std::io::Error| {
            Settlement::Failed(Failure::new(FailureKind::Crashed, format!("{what}: {error}")))
        };
        for _ in 0..FRESH_STARTS {
            match *lease.wishes().borrow() {
                Wish::Train => {}
                Wish::GiveBack(reason) => return Settlement::Released(reason),
                Wish::Abandon => return Settlement::Abandoned,
            }
            let scratch = match tempfile::Builder::new().prefix("task-").tempdir_in(&self.shared.scratch) {
                Ok(scratch) => scratch,
                Err(error) => return broken(&self.shared.scratch.display().to_string(), error),
            };
            let executor = match self.executor().await {
                Ok(executor) => executor,
                Err(error) => return broken("the executor can't be started", error),
            };
            let place = Workplace {
                coordinator: &self.shared.coordinator,
                store: &self.shared.store,
                commits: self.shared.commits,
                cache: &self.shared.cache,
                worker: &self.shared.worker,
                description: &self.shared.description,
                checkpoint_every: self.shared.checkpoint_every,
                scratch: scratch.path(),
            };
            tracing::info!(task = %task.id, attempt = %task.attempt, lease = %lease.id, "attempt began");
            let mut wishes = lease.wishes();
            let worked = tokio::select! {
                biased;
                // Whatever it waits for, training or an upload: a lost lease ends it.
                _ = wishes.wait_for(|wish| *wish == Wish::Abandon) => None,
                ended = attempt::work(&place, lease, task, &executor) => Some(ended),
            };
            match worked {
                Some(Ended::Settled(settlement)) => return settlement,
                Some(Ended::NeverBegan) => {}
                None => {
                    // With all lanes of the lease, which are lost too; before their scratch folders go.
                    executor.kill().await;
                    return Settlement::Abandoned;
                }
            }
        }
        let reason = format!("the executor died {FRESH_STARTS} times before it came to the task");
        Settlement::Failed(Failure::new(FailureKind::Crashed, reason))
    }
}

/// Tells the coordinator how an attempt ended, until it hears.
async fn tell(shared: &Shared, lease: &Lease, task: &LeasedTask, settlement: Settlement) {
    let (lease_id, task_id) = (lease.id.to_string(), task.id.to_string());
    let heard = match settlement {
        Settlement::Committed { manifest } => {
            tracing::info!(task = %task.id, "committed");
            let request = v1::CompleteRequest { lease_id, task_id, manifest_digest: manifest.to_string() };
            shared.coordinator.complete(&request).await
        }
        Settlement::Failed(failure) => {
            tracing::warn!(task = %task.id, kind = %failure.kind, error = failure.message, "attempt failed");
            let request = v1::FailRequest {
                lease_id,
                task_id,
                kind: failure.kind.as_str().to_owned(),
                message: failure.message,
            };
            shared.coordinator.fail(&request).await
        }
        Settlement::Released(reason) => {
            tracing::info!(task = %task.id, reason = reason.as_str(), "released");
            let request = v1::ReleaseRequest { lease_id, task_id, reason: reason.as_str().to_owned() };
            shared.coordinator.release(&request).await
        }
        Settlement::Abandoned => {
            tracing::warn!(task = %task.id, lease = %lease.id, "abandoned, since the lease was lost");
            return;
        }
    };
    match heard {
        Ok(true) => {}
        Ok(false) => tracing::warn!(task = %task.id, lease = %lease.id, "the lease had ended before"),
        Err(status) => tracing::error!(task = %task.id, %status, "the coordinator refused the news"),
    }
}
