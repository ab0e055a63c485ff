//! The coordinator's services: what arrives is checked, decided by the ledger, and answered once it is on disk.

mod clean_up;
mod commits;
mod control;
mod forecasting;
mod forecasts;
mod forget;
mod garbage;
mod launching;
mod leadership;
mod lease_traces;
mod live_tasks;
mod provenance;
mod reconcile;
mod refusal;
mod repair;
mod running_curves;
mod running_logs;
mod scheduler;
mod summary;
mod sweep_names;
mod task_list;
mod task_log;
mod task_names;
mod task_news;
mod ticker;
mod unknown_name;
mod variants;
mod why_text;
mod wire;
mod worker_list;
mod worker_usages;

use std::sync::Arc;
use std::time::Duration;

use basin_core::Request;
use basin_core::command::{Launch, LaunchCounts, LaunchTask};
use basin_domain::id::{SweepId, TaskId};
use basin_domain::scheduling::{SchedulingChange, UserName};
use basin_domain::sweep::{Source, SweepNote};
use basin_storage::{Commit, CommitMode, Store, SweepRecord};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::journal::{JournalWrite, LedgerHandle, Meter};
use crate::launch::{self, PreparedSweep};
use crate::platform::Platform;

pub use clean_up::CleanUp;
pub use control::ControlService;
pub use forecasts::Forecasts;
pub use forget::{ForgottenSweep, NotKnownToBeOver, StoredForgetError, forget_stored};
pub use garbage::{DEFAULT_GRACE, GarbageRequest, needed_by};
pub use leadership::{Leadership, LeadershipRole};
pub use refusal::OtherStore;
pub use repair::{Repaired, RepairedTask};
pub use scheduler::SchedulerService;
pub use summary::sweep_reply;
pub use sweep_names::SweepNames;
pub use task_names::{NamesOfSweep, TaskNames};
pub use task_news::TaskNews;
pub use ticker::{resolve_expired, tick_forever};
pub use unknown_name::{NamedThing, UnknownName};
pub use variants::SweepSources;
pub use worker_usages::WorkerUsages;

/// Of sweeps with more tasks the names are read when somebody asks for them.
const MOST_NAMED_AT_ONCE: usize = 100_000;

/// The parts that every call works with.
#[derive(Debug)]
pub struct Coordinator {
    /// The ledger behind its journal.
    pub ledger: LedgerHandle,
    /// The counters of the journal.
    pub meter: Meter,
    /// Where artifacts are.
    pub store: Store,
    /// The names of tasks, as far as somebody asked for them.
    pub names: TaskNames,
    /// What is left of sweeps' work, as far as somebody asked.
    pub forecasts: Forecasts,
    /// What workers say of the tasks that they work on.
    pub news: TaskNews,
    /// What workers use of their machines.
    pub usages: WorkerUsages,
    /// The files of sweeps, as far as somebody asked what tells them apart.
    pub sources: SweepSources,
    /// Who writes commits.
    pub commits: CommitMode,
    /// How long a lease lasts.
    pub lease_duration: Duration,
    /// The most tasks that a sweep may have.
    pub max_tasks: u64,
    /// What keeps launches and clean-ups apart.
    pub clean_up: CleanUp,
    /// Told whenever something may have become grantable, for idle workers' calls that wait.
    pub wake: Notify,
    /// Told when something is due before its time: a worker has ended.
    pub due: Notify,
    /// Whether another coordinator may take over at another address: one that can't be reached needn't be all there is.
    pub has_shared_journal: bool,
    /// The machine under it.
    pub platform: Arc<dyn Platform>,
    /// Cancelled when the coordinator stops, or stops leading: calls that wait are answered.
    pub stop: CancellationToken,
}

/// The options of a launch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LaunchOptions {
    /// Who launches it, if that is known.
    pub user: Option<UserName>,
    /// The change of its quota of workers.
    pub adjustment: SchedulingChange,
    /// The most tasks that it may have, if fewer than the coordinator takes.
    pub max_tasks: Option<u64>,
}

impl LaunchOptions {
    /// The most tasks that it may have here.
    fn task_limit(&self, coordinator: &Coordinator) -> u64 {
        self.max_tasks.unwrap_or(coordinator.max_tasks).min(coordinator.max_tasks)
    }
}

/// The outcome of a launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchOutcome {
    /// The sweep.
    pub sweep: SweepId,
    /// Its tasks, by how the ledger knew them before.
    pub counts: LaunchCounts,
    /// What is worth knowing of its file.
    pub notes: Vec<SweepNote>,
}

impl Coordinator {
    /// Prepares a sweep, keeps it in the store, and launches it. Idempotent.
    ///
    /// # Errors
    /// If it can't be prepared, kept or journalled.
    pub async fn launch(
        self: &Arc<Self>,
        source: &Source,
        options: LaunchOptions,
    ) -> Result<LaunchOutcome, Status> {
        let limit = options.task_limit(self);
        let prepared = launch::prepare(&self.store, source, limit).await.map_err(refusal::prepare_error)?;
        self.launch_prepared(source, prepared, options).await
    }

    /// Launches what is prepared.
    ///
    /// # Errors
    /// If it can't be kept or journalled.
    pub async fn launch_prepared(
        self: &Arc<Self>,
        source: &Source,
        prepared: PreparedSweep,
        options: LaunchOptions,
    ) -> Result<LaunchOutcome, Status> {
        let _launching = self.clean_up.launches.read().await;
        let PreparedSweep { plan, committed, .. } = self.keep_prepared(source, prepared, &options).await?;
        let sweep = plan.id.clone();
        if plan.tasks.len() <= MOST_NAMED_AT_ONCE {
            self.names.keep(&sweep, &plan.tasks);
        }
        // Points of an experiment that are the same run are one task of the ledger.
        let tasks = plan.runs().map(|task| LaunchTask {
            id: task.id,
            experiment: task.experiment.to_string(),
            spec: task.spec.clone(),
        });
        let launch = Launch {
            sweep: sweep.clone(),
            user: options.user,
            adjustment: options.adjustment,
            tasks: tasks.collect(),
            committed: committed.values().map(commit_record).collect(),
            needs: plan
                .needs
                .into_iter()
                .map(|(experiment, needs)| (experiment.to_string(), needs))
                .collect(),
        };
        let launched = LaunchOutcome { notes: plan.notes, ..self.launch_in_parts(launch).await? };
        self.wake.notify_waiters();
        let LaunchCounts { new, reused, shared } = launched.counts;
        tracing::info!(%sweep, new, reused, shared, "sweep launched");
        Ok(launched)
    }

    /// Keeps a sweep in the store, and gives what is launched. What was looked up beside a collection of garbage, which didn't know
    /// of the sweep yet, is looked up again: from then on nothing of it is garbage.
    async fn keep_prepared(
        &self,
        source: &Source,
        mut prepared: PreparedSweep,
        options: &LaunchOptions,
    ) -> Result<PreparedSweep, Status> {
        self.keep(source, &mut prepared).await?;
        let settled = self.store.settled_collection().await.map_err(refusal::store_error)?;
        if prepared.collection.is_undisturbed(&settled) {
            return Ok(prepared);
        }
        let limit = options.task_limit(self);
        let again = launch::prepare(&self.store, source, limit).await.map_err(refusal::prepare_error)?;
        if again.plan.id != prepared.plan.id {
            let message = "the data that the sweep reads changed while it was launched: launch it again";
            return Err(Status::failed_precondition(message));
        }
        prepared = again;
        self.keep(source, &mut prepared).await?;
        Ok(prepared)
    }

    /// Keeps a sweep in the store, once the ledger and the store agree on what of it is committed.
    async fn keep(&self, source: &Source, prepared: &mut PreparedSweep) -> Result<(), Status> {
        let ids: Vec<TaskId> = prepared.plan.runs().map(|task| task.id).collect();
        // Before anything is kept: the store may be another one's.
        self.reconcile(&ids, &mut prepared.committed).await?;
        let record = SweepRecord {
            id: prepared.plan.id.clone(),
            source: source.clone(),
            datasets: prepared.datasets.clone(),
            launched_unix_ms: Some(self.ledger.now().0),
        };
        self.store.put_sweep(&record, &prepared.plan.tasks).await.map_err(refusal::store_error)
    }

    /// A decision of the ledger, on disk.
    async fn decide<R: Request>(&self, request: R) -> Result<R::Reply, Status> {
        self.ledger.decide(request).await.map_err(|error| refusal::decide_error(&error))
    }

    /// The same with the write that it shared.
    async fn decide_timed<R: Request>(&self, request: R) -> Result<(R::Reply, JournalWrite), Status> {
        self.ledger.decide_timed(request).await.map_err(|error| refusal::decide_error(&error))
    }
}

/// A commit of the store in the ledger's words.
pub fn commit_record(commit: &Commit) -> basin_core::command::CommitRecord {
    basin_core::command::CommitRecord {
        task: commit.task,
        lease: commit.lease.clone(),
        attempt: commit.attempt,
        manifest: commit.manifest,
        outcome: commit.outcome,
        digest: Some(commit.digest()),
    }
}
