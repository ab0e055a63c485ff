//! A coordinator, as the command line sees it.

use std::time::Duration;

use basin_domain::scheduling::SchedulingChange;
use basin_domain::sweep::Source;
use basin_proto::dial::{
    Address, CallOptions, ConnectError, Connection, Coordinators, Dial, DialError, NoLeaderAnswered,
};
use basin_proto::v1::control_client::ControlClient;
use basin_proto::{MESSAGE_LIMIT, hint, standby, v1};
use tonic::{Code, Response, Status};

mod task_table;
pub use task_table::TaskTable;

/// How long a call may take: a large sweep's launch looks up all of its commits.
const CALL_OPTIONS: CallOptions = CallOptions { timeout: Duration::from_secs(300), keep_alive: false };

/// How long a call waits for a coordinator to lead while some are alive: a standby takes over within that.
const TAKEOVER_TIMEOUT: Duration = Duration::from_secs(20);
/// The pause between two looks at whether one does.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Connections to the coordinators of which one leads.
#[derive(Debug, Clone)]
pub struct Client {
    coordinators: Coordinators,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It can't be dialled.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// Nobody answers there, or nobody who is to be trusted.
    #[error("no coordinator answers at {address}: {error}")]
    Unreachable {
        /// Where.
        address: Address,
        /// Why.
        error: ConnectError,
    },
    /// It stands by, and nobody leads, or the one that does can't be reached from here.
    #[error("the coordinator at {address} is a standby, and {}", in_words(leader.as_deref()))]
    Standby {
        /// Where.
        address: Address,
        /// The URL of the one that leads, as far as the standby knows.
        leader: Option<String>,
    },
    /// The coordinator refuses: the input is wrong, or the situation.
    #[error("{message}")]
    Refused {
        /// Its words.
        message: String,
        /// The hint, in its words.
        hint: Option<String>,
    },
    /// The coordinator is of a version that doesn't know the call.
    #[error("the coordinator at {address} is of a version that doesn't know this")]
    UnknownCall {
        /// Where.
        address: Address,
    },
    /// The coordinator is in trouble.
    #[error("the coordinator at {address} is in trouble: {message}")]
    Broken {
        /// Where.
        address: Address,
        /// Its words.
        message: String,
    },
}

fn in_words(leader: Option<&str>) -> String {
    leader.map_or_else(|| "nobody leads".to_owned(), |url| format!("{url} leads"))
}

impl CallError {
    /// Whether a coordinator that was there may be back soon, or another stand in for it.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { error, .. } => !error.is_input(),
            Self::Standby { .. } => true,
            Self::Dial(_) | Self::Refused { .. } | Self::UnknownCall { .. } | Self::Broken { .. } => false,
        }
    }

    /// Whether it is the caller's to mend.
    pub const fn is_input(&self) -> bool {
        match self {
            Self::Dial(error) => error.is_input(),
            Self::Unreachable { error, .. } => error.is_input(),
            Self::Refused { .. } | Self::UnknownCall { .. } => true,
            Self::Standby { .. } | Self::Broken { .. } => false,
        }
    }
}

impl Client {
    /// A coordinator, or several of which one leads; nothing is sent yet.
    ///
    /// # Errors
    /// If it can't be dialled with these certificates.
    pub fn new(dial: &Dial) -> Result<Self, CallError> {
        Ok(Self { coordinators: Coordinators::new(dial, CALL_OPTIONS)? })
    }

    /// The leader's answer. While there is a standby but nobody leads, it is waited for: all calls are idempotent.
    async fn call<T, F>(&self, ask: impl Fn(ControlClient<Connection>) -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let began = tokio::time::Instant::now();
        loop {
            let answer = self.coordinators.call(None, |connection| {
                ask(ControlClient::new(connection)
                    .max_decoding_message_size(MESSAGE_LIMIT)
                    .max_encoding_message_size(MESSAGE_LIMIT))
            });
            match answer.await {
                Ok(reply) => return reply.map_err(|status| failed(self.coordinators.address(), &status)),
                Err(NoLeaderAnswered { status, .. })
                    if standby::may_end_soon(&status) && began.elapsed() < TAKEOVER_TIMEOUT =>
                {
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
                Err(NoLeaderAnswered { address, status, .. }) => return Err(failed(address, &status)),
            }
        }
    }

    /// Launches a sweep.
    ///
    /// # Errors
    /// If the coordinator refuses it, or isn't there.
    pub async fn launch(
        &self,
        source: &Source,
        max_tasks: u64,
        adjustment: SchedulingChange,
    ) -> Result<v1::LaunchReply, CallError> {
        let (max_tasks, adjustment) = (Some(max_tasks), Some(adjustment.into()));
        let request = v1::LaunchRequest { max_tasks, adjustment, ..source.into() };
        let reply = self.call(async |mut control| control.launch(request.clone()).await).await?;
        Ok(reply)
    }

    /// All sweeps, and how much there is to do.
    ///
    /// # Errors
    /// If the coordinator isn't there.
    pub async fn list_sweeps(&self) -> Result<v1::ListSweepsReply, CallError> {
        let reply =
            self.call(async |mut control| control.list_sweeps(v1::ListSweepsRequest {}).await).await?;
        Ok(reply)
    }

    /// One sweep.
    ///
    /// # Errors
    /// If there is none of this id, or the coordinator isn't there.
    pub async fn sweep(&self, id: &str) -> Result<v1::GetSweepReply, CallError> {
        let request = v1::GetSweepRequest { sweep_id: id.to_owned() };
        let reply = self.call(async |mut control| control.get_sweep(request.clone()).await).await?;
        Ok(reply)
    }

    /// One task.
    ///
    /// # Errors
    /// If there is none of this id, or the coordinator isn't there.
    pub async fn task(&self, id: &str) -> Result<v1::GetTaskReply, CallError> {
        self.get_task(v1::GetTaskRequest { task_id: id.to_owned(), with_provenance: false }).await
    }

    /// The same with the provenance of the attempt that counts.
    ///
    /// # Errors
    /// As [`Client::task`], and if the coordinator's store can't be read.
    pub async fn task_with_provenance(&self, id: &str) -> Result<v1::GetTaskReply, CallError> {
        self.get_task(v1::GetTaskRequest { task_id: id.to_owned(), with_provenance: true }).await
    }

    async fn get_task(&self, request: v1::GetTaskRequest) -> Result<v1::GetTaskReply, CallError> {
        self.call(async |mut control| control.get_task(request.clone()).await).await
    }

    /// Lines of a task's log: from line `after` on of this attempt's, or all of another's.
    ///
    /// # Errors
    /// If there is no such task, the coordinator isn't there, or its store can't be read.
    pub async fn task_log(
        &self,
        task: &str,
        attempt: u32,
        after: u64,
    ) -> Result<v1::GetTaskLogReply, CallError> {
        let request = v1::GetTaskLogRequest { task_id: task.to_owned(), attempt, after };
        let reply = self.call(async |mut control| control.get_task_log(request.clone()).await).await?;
        Ok(reply)
    }

    /// A page of a sweep's tasks from this position on, or of their states alone.
    ///
    /// # Errors
    /// If there is no sweep of this id, or the coordinator isn't there, or is of a version that doesn't know this.
    pub async fn tasks(
        &self,
        sweep: &str,
        from: u64,
        states_only: bool,
    ) -> Result<v1::ListTasksReply, CallError> {
        let request = v1::ListTasksRequest { sweep_id: sweep.to_owned(), from, states_only };
        self.call(async |mut control| control.list_tasks(request.clone()).await).await
    }

    /// How some tasks are doing, the first so many of them with their curves.
    ///
    /// # Errors
    /// If the coordinator isn't there, or is of a version that doesn't know this.
    pub async fn live_tasks(&self, tasks: Vec<String>, curves: u32) -> Result<Vec<v1::LiveTask>, CallError> {
        self.ask_live_tasks(v1::GetLiveTasksRequest { task_ids: tasks, curves, series: false }).await
    }

    /// How some tasks are doing, the first so many of them with their curves and those of what they record.
    ///
    /// # Errors
    /// If the coordinator isn't there, or is of a version that doesn't know this.
    pub async fn live_series(&self, tasks: Vec<String>, curves: u32) -> Result<Vec<v1::LiveTask>, CallError> {
        self.ask_live_tasks(v1::GetLiveTasksRequest { task_ids: tasks, curves, series: true }).await
    }

    async fn ask_live_tasks(&self, request: v1::GetLiveTasksRequest) -> Result<Vec<v1::LiveTask>, CallError> {
        let reply = self.call(async |mut control| control.get_live_tasks(request.clone()).await).await?;
        Ok(reply.tasks)
    }

    /// Pauses, resumes, cancels, retries.
    ///
    /// # Errors
    /// If there is no sweep of this id, or the coordinator isn't there.
    pub async fn steer(&self, id: &str, steering: v1::Steering) -> Result<v1::SweepSummary, CallError> {
        let request = v1::SteerSweepRequest { sweep_id: id.to_owned(), steering: steering.into() };
        let reply = self.call(async |mut control| control.steer_sweep(request.clone()).await).await?;
        Ok(reply.sweep.unwrap_or_default())
    }

    /// Has what is damaged of a sweep withdrawn: some of its tasks' at a time, those behind `after`.
    ///
    /// # Errors
    /// If there is no sweep of this id, the coordinator isn't there, or its store can't be used.
    pub async fn repair(
        &self,
        id: &str,
        after: &str,
        dry_run: bool,
    ) -> Result<v1::RepairSweepReply, CallError> {
        let request =
            v1::RepairSweepRequest { sweep_id: id.to_owned(), dry_run, after_task_id: after.to_owned() };
        self.call(async |mut control| control.repair_sweep(request.clone()).await).await
    }

    /// Has a sweep that is over forgotten; `abandoned` says of one that the journal doesn't know that nobody works on it.
    ///
    /// # Errors
    /// If there is no sweep of this id, it isn't over, the coordinator isn't there, or its store can't be used.
    pub async fn forget(&self, id: &str, abandoned: bool) -> Result<v1::ForgetSweepReply, CallError> {
        let request = v1::ForgetSweepRequest { sweep_id: id.to_owned(), abandoned };
        self.call(async |mut control| control.forget_sweep(request.clone()).await).await
    }

    /// Has what no sweep needs freed: in a part of the store at a time, the one behind `after`.
    ///
    /// # Errors
    /// If the coordinator isn't there, or its store can't be used.
    pub async fn collect_garbage(
        &self,
        request: &v1::CollectGarbageRequest,
    ) -> Result<v1::CollectGarbageReply, CallError> {
        self.call(async |mut control| control.collect_garbage(request.clone()).await).await
    }

    /// Changes a sweep's quota of the workers.
    ///
    /// # Errors
    /// If there is no sweep of this id, or the coordinator isn't there.
    pub async fn adjust(
        &self,
        id: &str,
        adjustment: SchedulingChange,
    ) -> Result<v1::SweepSummary, CallError> {
        let request = v1::AdjustSweepRequest { sweep_id: id.to_owned(), adjustment: Some(adjustment.into()) };
        let reply = self.call(async |mut control| control.adjust_sweep(request.clone()).await).await?;
        Ok(reply.sweep.unwrap_or_default())
    }

    /// All workers.
    ///
    /// # Errors
    /// If the coordinator isn't there.
    pub async fn workers(&self) -> Result<Vec<v1::WorkerSummary>, CallError> {
        let reply =
            self.call(async |mut control| control.list_workers(v1::ListWorkersRequest {}).await).await?;
        Ok(reply.workers)
    }

    /// Lets a worker leave, and says which.
    ///
    /// # Errors
    /// If there is none of this id, or the coordinator isn't there.
    pub async fn drain(&self, worker: &str) -> Result<String, CallError> {
        let request = v1::DrainWorkerRequest { worker_id: worker.to_owned() };
        let reply = self.call(async |mut control| control.drain_worker(request.clone()).await).await?;
        // A coordinator of before says nothing: it takes whole ids alone.
        Ok(if reply.worker_id.is_empty() { worker.to_owned() } else { reply.worker_id })
    }

    /// The version and store of the coordinator at the first address, and of none that stands in for it.
    ///
    /// # Errors
    /// If it isn't there, or stands by.
    pub async fn about_without_failover(&self) -> Result<v1::AboutReply, CallError> {
        let (address, connection) = self.coordinators.first();
        let reply = ControlClient::new(connection).about(v1::AboutRequest {}).await;
        reply.map(Response::into_inner).map_err(|status| failed(address, &status))
    }

    /// The coordinator's version and store.
    ///
    /// # Errors
    /// If it isn't there.
    pub async fn about(&self) -> Result<v1::AboutReply, CallError> {
        let reply = self.call(async |mut control| control.about(v1::AboutRequest {}).await).await?;
        Ok(reply)
    }
}

fn failed(address: Address, status: &Status) -> CallError {
    if let Some(error) = ConnectError::of(status) {
        return CallError::Unreachable { address, error };
    }
    if standby::is(status) {
        return CallError::Standby { address, leader: standby::leader(status) };
    }
    let message = status.message().to_owned();
    match status.code() {
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::Unauthenticated
        | Code::PermissionDenied
        | Code::ResourceExhausted => CallError::Refused { message, hint: hint::of(status) },
        Code::Unimplemented => CallError::UnknownCall { address },
        code => CallError::Broken { address, message: format!("{message} ({code:?})") },
    }
}
