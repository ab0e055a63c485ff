//! A slot: one executor process, and attempts at tasks as its lanes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use basin_domain::failure::{Failure, FailureKind};
use basin_domain::id::WorkerId;
use basin_domain::task::LeasedTask;
use basin_domain::worker::WorkerDescription;
use basin_storage::{CommitMode, StorageError, Store};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::attempt::{self, TrainOutcome};
use super::attempt_context::AttemptContext;
use super::attempt_traces::AttemptTraces;
use super::cache::DataCache;
use super::commit::{self, TrainedTask};
use super::coordinator::Coordinator;
use super::executor_process::{Executor, Program};
use super::lease_handle::LeaseHandle;
use super::outage_retry::OutageRetry;
use super::outage_waits::OutageWaits;
use super::platform::Platform;
use super::reactor::{AttemptOutcome, Directive};
use super::storage_failure::storage_failure;
use super::task_logs::TaskLogs;

/// The parts that all slots of an agent share.
pub(super) struct SlotContext {
    pub(super) coordinator: Coordinator,
    pub(super) store: Store,
    /// Who writes commits.
    pub(super) commits: CommitMode,
    pub(super) cache: DataCache,
    pub(super) worker: WorkerId,
    pub(super) description: WorkerDescription,
    pub(super) checkpoint_every: Duration,
    pub(super) grace: Duration,
    pub(super) progress_timeout: Duration,
    pub(super) outages: Arc<OutageWaits>,
    pub(super) scratch: PathBuf,
    /// What is said of the tasks that are worked on.
    pub(super) logs: Arc<TaskLogs>,
    /// The spans of the attempts at them, where somebody traces.
    pub(super) traces: AttemptTraces,
    /// The machine.
    pub(super) platform: Arc<dyn Platform>,
}

/// How many executors may die before a task comes to its turn without having trained anything: then it is this machine that can't.
const MAX_EXECUTOR_DEATHS: u32 = 3;

/// One executor, and what its attempts work with.
pub(super) struct Slot {
    shared: Arc<SlotContext>,
    program: Program,
    executor: Mutex<Option<Arc<Executor>>>,
}

impl Slot {
    /// A slot whose executor is started when it is needed.
    pub(super) fn new(shared: Arc<SlotContext>, program: Program) -> Self {
        Self { shared, program, executor: Mutex::new(None) }
    }

    /// A living executor: the slot's, or a new one.
    async fn executor(&self) -> std::io::Result<Arc<Executor>> {
        let mut executor = self.executor.lock().await;
        if let Some(executor) = executor.as_ref().filter(|executor| executor.is_alive()) {
            return Ok(Arc::clone(executor));
        }
        let fresh = Arc::new(Executor::of(self.shared.platform.start_executor(&self.program)?));
        tracing::debug!("executor started");
        Ok(Arc::clone(executor.insert(fresh)))
    }

    /// One attempt, with a scratch folder and a living executor.
    pub(super) async fn attempt(&self, lease: &LeaseHandle, task: &LeasedTask) -> AttemptOutcome {
        let mut deaths = 0;
        let _followed = self.shared.logs.follow(task.id);
        while deaths < MAX_EXECUTOR_DEATHS {
            match lease.directive() {
                Directive::Train => {}
                Directive::GiveBack(reason) => return AttemptOutcome::Released(reason),
                Directive::Abandon => return AttemptOutcome::Abandoned,
            }
            let scratch = match self.scratch(lease).await {
                Ok(scratch) => scratch,
                Err(outcome) => return outcome,
            };
            let executor = match self.executor().await {
                Ok(executor) => executor,
                Err(error) => return executor_failure("the executor can't be started", &error),
            };
            let context = self.shared.context(scratch.path());
            tracing::info!(task = %task.id, attempt = %task.attempt, lease = %lease.id, "attempt began");
            let (worker, attempt) = (&self.shared.worker, task.attempt);
            self.shared.logs.say(&task.id, &format!("attempt {attempt} began on worker {worker}"));
            let mut directives = lease.directives();
            let trained = tokio::select! {
                biased;
                // Whatever it waits for, training or a checkpoint: a lost lease ends it.
                _ = directives.wait_for(|directive| *directive == Directive::Abandon) => None,
                ended = attempt::train(&context, lease, task, &executor) => Some(ended),
            };
            match trained {
                Some(TrainOutcome::Trained(trained)) => return self.deliver(&context, lease, &trained).await,
                Some(TrainOutcome::Settled(outcome)) => return outcome,
                // It died of another task, which pays for that.
                Some(TrainOutcome::NeverBegan) if executor.has_trained() => {}
                Some(TrainOutcome::NeverBegan) => deaths += 1,
                Some(TrainOutcome::Interrupted) => {
                    tracing::info!(task = %task.id, "begun again, since the executor hung with another task");
                }
                None => {
                    // With all lanes of the lease, which are lost too; before their scratch folders go.
                    executor.kill().await;
                    return AttemptOutcome::Abandoned;
                }
            }
        }
        let reason = format!("{MAX_EXECUTOR_DEATHS} executors died before they came to any task");
        AttemptOutcome::Failed(Failure::new(FailureKind::Crashed, reason))
    }

    /// Delivers what a task made. A lost lease ends that too, unless the result is held for an outage to end: it is whole, nothing
    /// is trained any more, and the store lets one commit win.
    async fn deliver(
        &self,
        context: &AttemptContext<'_>,
        lease: &LeaseHandle,
        trained: &TrainedTask,
    ) -> AttemptOutcome {
        let delivered = commit::upload_and_commit(context, lease, trained);
        tokio::pin!(delivered);
        let mut directives = lease.directives();
        tokio::select! {
            biased;
            _ = directives.wait_for(|directive| *directive == Directive::Abandon) => {}
            outcome = &mut delivered => return outcome,
        }
        if trained.is_held() { delivered.await } else { AttemptOutcome::Abandoned }
    }

    /// A scratch folder. A disk that is full is waited for.
    async fn scratch(&self, lease: &LeaseHandle) -> Result<TempDir, AttemptOutcome> {
        let folder = &self.shared.scratch;
        let make = || async {
            let made = tempfile::Builder::new().prefix("task-").tempdir_in(folder);
            made.map_err(|source| StorageError::File { path: folder.clone(), source })
        };
        let retry = OutageRetry::while_leased(lease, &self.shared.outages);
        retry.call(make).await.map_err(|error| storage_failure(lease, &error))
    }
}

fn executor_failure(what: &str, error: &std::io::Error) -> AttemptOutcome {
    AttemptOutcome::Failed(Failure::new(FailureKind::Crashed, format!("{what}: {error}")))
}

impl SlotContext {
    /// The parts that an attempt works with in its scratch folder.
    fn context<'a>(&'a self, scratch: &'a Path) -> AttemptContext<'a> {
        AttemptContext {
            coordinator: &self.coordinator,
            store: &self.store,
            commits: self.commits,
            cache: &self.cache,
            worker: &self.worker,
            description: &self.description,
            checkpoint_every: self.checkpoint_every,
            grace: self.grace,
            progress_timeout: self.progress_timeout,
            outages: &self.outages,
            scratch,
            logs: &self.logs,
            platform: self.platform.as_ref(),
        }
    }
}
