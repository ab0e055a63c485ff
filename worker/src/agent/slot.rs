//! A slot: one executor process, and one lease after the other on it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use basin_domain::failure::{Failure, FailureKind};
use basin_domain::id::WorkerId;
use basin_domain::worker::WorkerDescription;
use basin_proto::v1;
use basin_storage::Store;
use tokio::sync::mpsc;

use super::attempt::{self, Settlement, Workplace};
use super::cache::DataCache;
use super::child::{Executor, Program};
use super::coordinator::Coordinator;
use super::lease::{Lease, LeasedTask, Wish};

/// What every slot of an agent has in common.
pub(super) struct Shared {
    pub(super) coordinator: Coordinator,
    pub(super) store: Store,
    pub(super) cache: DataCache,
    pub(super) worker: WorkerId,
    pub(super) description: WorkerDescription,
    pub(super) checkpoint_every: Duration,
    pub(super) scratch: PathBuf,
    pub(super) program: Program,
    /// Told whenever a lease has ended.
    pub(super) ended: mpsc::UnboundedSender<Arc<Lease>>,
}

/// Works on leases until there are no more to come.
pub(super) async fn serve(shared: Arc<Shared>, mut leases: mpsc::UnboundedReceiver<Arc<Lease>>) {
    let mut executor = None;
    while let Some(lease) = leases.recv().await {
        for task in &lease.tasks {
            let settlement = attempt(&shared, &lease, task, &mut executor).await;
            tell(&shared, &lease, task, settlement).await;
            lease.settle(task.id);
        }
        if shared.ended.send(lease).is_err() {
            break;
        }
    }
}

/// One attempt, with a scratch folder and a living executor.
async fn attempt(
    shared: &Shared,
    lease: &Lease,
    task: &LeasedTask,
    slot: &mut Option<Executor>,
) -> Settlement {
    match *lease.wishes().borrow() {
        Wish::Train => {}
        Wish::GiveBack(reason) => return Settlement::Released(reason),
        Wish::Abandon => return Settlement::Abandoned,
    }
    let broken = |what: &str, error: std::io::Error| {
        Settlement::Failed(Failure::new(FailureKind::Crashed, format!("{what}: {error}")))
    };
    let scratch = match tempfile::Builder::new().prefix("task-").tempdir_in(&shared.scratch) {
        Ok(scratch) => scratch,
        Err(error) => return broken(&shared.scratch.display().to_string(), error),
    };
    let mut executor = match slot.take() {
        Some(executor) => executor,
        None => match Executor::spawn(&shared.program) {
            Ok(executor) => {
                tracing::debug!(pid = executor.process_id(), "executor started");
                executor
            }
            Err(error) => return broken("the executor can't be started", error),
        },
    };
    let place = Workplace {
        store: &shared.store,
        cache: &shared.cache,
        worker: &shared.worker,
        description: &shared.description,
        checkpoint_every: shared.checkpoint_every,
        scratch: scratch.path(),
    };
    tracing::info!(task = %task.id, attempt = %task.attempt, lease = %lease.id, "attempt began");
    let mut wishes = lease.wishes();
    let worked = tokio::select! {
        biased;
        // Whatever it waits for, training or an upload: a lost lease ends it.
        _ = wishes.wait_for(|wish| *wish == Wish::Abandon) => None,
        ended = attempt::work(&place, lease, task, &mut executor) => Some(ended),
    };
    let Some(ended) = worked else {
        executor.kill().await;
        return Settlement::Abandoned;
    };
    if ended.executor_usable {
        *slot = Some(executor);
        return ended.settlement;
    }
    let how = executor.autopsy().await;
    match ended.settlement {
        Settlement::Failed(failure) => {
            Settlement::Failed(Failure::new(failure.kind, format!("{} ({how})", failure.message)))
        }
        settlement => settlement,
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
