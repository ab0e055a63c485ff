//! The I/O around a [`Reactor`]: it hears of signals, timers, answers and attempts, and does what it is told.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use basin_domain::failure::{Failure, FailureKind};
use basin_domain::id::LeaseId;
use basin_domain::task::LeasedTask;
use basin_domain::worker::WorkerDescription;
use basin_storage::{CommitMode, Store};
use futures::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::attempt_traces::{AttemptTraces, note_outcome};
use super::boot_clock;
use super::cache::DataCache;
use super::command_line::CommandLine;
use super::coordinator::{Coordinator, is_forbidden};
use super::error::AgentError;
use super::executor_process::Program;
use super::lease_handle::LeaseHandle;
use super::news::{News, NewsListener};
use super::outage_waits::OutageWaits;
use super::reactor::{
    AttemptOutcome, BootInstant, Directive, Effect, ExitReason, Message, Reactor, ReactorSettings,
    ReleasedTask, SyncFailure, SyncRequest,
};
use super::report::{release, report};
use super::settings::Settings;
use super::slot::{Slot, SlotContext};
use super::usage::UsageWatch;
use super::wire;

/// How long giving back what is left may take, once everything is stopped.
const DEREGISTER_TIMEOUT: Duration = Duration::from_secs(3);

/// A lease under way: where its directives go, and what its attempts hold.
type LeaseChannel = (watch::Sender<Directive>, Arc<LeaseHandle>);

/// A reactor, and everything that works for it.
pub(super) struct Driver {
    reactor: Reactor,
    context: Arc<SlotContext>,
    slots: Vec<Arc<Slot>>,
    leases: HashMap<LeaseId, LeaseChannel>,
    /// Attempts, and reports of their outcomes.
    tasks: JoinSet<()>,
    sync: Option<AbortHandle>,
    timer: Option<BootInstant>,
    sender: mpsc::UnboundedSender<Message>,
    messages: mpsc::UnboundedReceiver<Message>,
    /// The coordinator's last refusal of a `Sync`.
    refusal: watch::Sender<Option<Status>>,
    /// Who hears what it does.
    listener: NewsListener,
    /// What this worker uses of the machine, if the system tells.
    usage: Option<UsageWatch>,
}

impl Driver {
    /// The driver of an agent that begins now; within a runtime.
    pub(super) fn new(
        settings: &Settings,
        description: WorkerDescription,
        coordinator: Coordinator,
        store: Store,
        commits: CommitMode,
    ) -> Self {
        let (sender, messages) = mpsc::unbounded_channel();
        let outages = Arc::new(OutageWaits::new(sender.clone()));
        let reactor = Reactor::new(reactor_settings(settings, &coordinator), settings.platform.boot_time());
        let context = Arc::new(SlotContext {
            coordinator,
            cache: DataCache::new(settings.data_cache.clone(), store.clone(), Arc::clone(&outages)),
            outages,
            progress_timeout: settings.progress_timeout,
            store,
            commits,
            worker: settings.id.clone(),
            description,
            checkpoint_every: settings.checkpoint_every,
            grace: settings.grace,
            scratch: settings.scratch.clone(),
            logs: Arc::default(),
            traces: AttemptTraces::default(),
            platform: Arc::clone(&settings.platform),
        });
        let slot = |number| Arc::new(Slot::new(Arc::clone(&context), program(settings, number)));
        Self {
            reactor,
            slots: (0..settings.slots).map(slot).collect(),
            context,
            leases: HashMap::new(),
            tasks: JoinSet::new(),
            sync: None,
            timer: None,
            sender,
            messages,
            refusal: watch::Sender::new(None),
            listener: settings.listener.clone(),
            usage: settings.platform.tells_usage().then(UsageWatch::start),
        }
    }

    /// Works until the reactor says that it is over.
    ///
    /// # Errors
    /// If the coordinator refuses this worker.
    pub(super) async fn run(mut self, shutdown: &CancellationToken) -> Result<ExitReason, AgentError> {
        let mut is_told = false;
        let mut message = Message::Timer;
        loop {
            let now = self.context.platform.boot_time();
            for effect in self.reactor.handle(message, now) {
                match effect {
                    Effect::StopAttempts => self.stop().await,
                    Effect::Deregister { exit, releases, request } => {
                        let last = self.deregister(releases, request);
                        let _ = tokio::time::timeout(DEREGISTER_TIMEOUT, last).await;
                        return Ok(exit);
                    }
                    Effect::ExitRefused => {
                        self.stop().await;
                        return Err(self.refused());
                    }
                    Effect::Sync { call, request } => self.sync(call, request),
                    Effect::CancelSync => self.cancel_sync(),
                    Effect::BeginAttempt { slot, lease, lanes, task } => self.begin(slot, lease, lanes, task),
                    Effect::Direct { lease, directive } => {
                        if let Some((directives, _)) = self.leases.get(&lease) {
                            directives.send_replace(directive);
                        }
                    }
                    Effect::Report { lease, task, outcome } => {
                        let name = self.context.logs.name(&task);
                        self.listener.tell(News::Ended { task, name, outcome: outcome.clone() });
                        let context = Arc::clone(&self.context);
                        let reported = Message::OutcomeReported { lease: lease.clone(), task };
                        let trace = context.traces.take(&lease, task);
                        self.spawn(reported.clone(), async move {
                            trace.follow(report(&context.coordinator, &lease, task, outcome)).await;
                            reported
                        });
                    }
                    Effect::ForgetLease(lease) => {
                        self.leases.remove(&lease);
                        self.context.traces.forget(&lease);
                    }
                    Effect::SetTimer(at) => self.timer = Some(at),
                }
            }
            message = tokio::select! {
                biased;
                () = shutdown.cancelled(), if !is_told => {
                    is_told = true;
                    Message::Shutdown
                }
                Some(message) = self.messages.recv() => message,
                () = boot_clock::wait_until(self.timer, || self.context.platform.boot_time()) => {
                    self.timer = None;
                    Message::Timer
                }
            };
            while self.tasks.try_join_next().is_some() {}
        }
    }

    /// Works on something until it is done, or panics; the reactor hears of either.
    fn spawn(
        &mut self,
        if_panicked: Message,
        work: impl Future<Output = Message> + Send + 'static,
    ) -> AbortHandle {
        let sender = self.sender.clone();
        self.tasks.spawn(async move {
            // The agent ends only after its tasks.
            let _ = sender.send(message_of(work, if_panicked).await);
        })
    }

    fn sync(&mut self, call: u64, request: SyncRequest) {
        let mut request = wire::request(&self.context.worker, &self.context.description, request);
        let news = self.context.logs.news();
        request.logs = news.iter().map(wire::log).collect();
        request.usage = self.usage.as_ref().and_then(UsageWatch::latest).map(Into::into);
        let (context, refusal) = (Arc::clone(&self.context), self.refusal.clone());
        let no_answer = Message::SyncFailed { call, failure: SyncFailure::default() };
        let called = self.spawn(no_answer, async move {
            match context.coordinator.sync(request).await {
                Ok(reply) => {
                    context.logs.note_told(&news);
                    for (task, name) in wire::names(&reply) {
                        context.logs.note_name(task, name);
                    }
                    if basin_traces::is_on() {
                        wire::traces(&reply).for_each(|(task, lease)| context.traces.note_lease(task, lease));
                    }
                    Message::SyncAnswered { call, reply: wire::reply(reply) }
                }
                Err(no_answer) => {
                    if !no_answer.nobody_leads {
                        tracing::warn!(status = %no_answer.status, "the coordinator did not answer");
                    }
                    let failure = wire::failure(&no_answer);
                    if is_forbidden(&no_answer.status) {
                        refusal.send_replace(Some(no_answer.status));
                    }
                    Message::SyncFailed { call, failure }
                }
            }
        });
        self.sync = Some(called);
    }

    fn cancel_sync(&mut self) {
        if let Some(sync) = self.sync.take() {
            sync.abort();
        }
    }

    fn begin(&mut self, slot: usize, lease: LeaseId, lanes: usize, task: Box<LeasedTask>) {
        let Some(slot) = self.slots.get(slot).map(Arc::clone) else { return };
        let name = self.context.logs.name(&task.id);
        let trace = self.context.traces.begin(&lease, &task, &name, &self.context.worker);
        self.listener.tell(News::Began { task: task.id, name, attempt: task.attempt });
        let sender = self.sender.clone();
        let (_, handle) = self.leases.entry(lease.clone()).or_insert_with(|| {
            let (directives, handle) = LeaseHandle::new(lease.clone(), lanes, sender.clone());
            (directives, Arc::new(handle))
        });
        let handle = Arc::clone(handle);
        let id = task.id;
        let ended = move |outcome| Message::AttemptEnded { lease, task: id, outcome };
        let panicked = Failure::new(FailureKind::Crashed, "the agent panicked in this attempt");
        self.spawn(ended.clone()(AttemptOutcome::Failed(panicked)), async move {
            let outcome = trace.follow(slot.attempt(&handle, &task)).await;
            note_outcome(&trace, &outcome);
            ended(outcome)
        });
    }

    /// Ends everything. Executors are dead, and their scratch folders gone, before anybody is told that the leases are free.
    async fn stop(&mut self) {
        self.tasks.shutdown().await;
        self.slots.clear();
        while let Ok(message) = self.messages.try_recv() {
            self.reactor.handle(message, self.context.platform.boot_time());
        }
        let _ = self.sender.send(Message::AttemptsStopped);
    }

    /// Gives back what the grace was too short for, and says the last word: no leases, no slots.
    async fn deregister(&self, releases: Vec<ReleasedTask>, request: SyncRequest) {
        for ReleasedTask { lease, task, reason } in releases {
            if let Err(status) = release(&self.context.coordinator, &lease, task, reason).await {
                tracing::warn!(%task, %status, "a task could not be given back");
            }
        }
        let request = wire::request(&self.context.worker, &self.context.description, request);
        let _ = self.context.coordinator.sync(request).await;
    }

    /// The end of a worker whose calls are refused.
    fn refused(&self) -> AgentError {
        let status = self.refusal.borrow().clone();
        self.context.coordinator.refused(&status.unwrap_or_else(|| Status::unauthenticated("")))
    }
}

/// The message that work ends with; `if_panicked` if it panics.
async fn message_of(work: impl Future<Output = Message>, if_panicked: Message) -> Message {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("a task of the agent panicked");
        if_panicked
    })
}

fn reactor_settings(settings: &Settings, coordinator: &Coordinator) -> ReactorSettings {
    ReactorSettings {
        slots: settings.slots,
        threads: settings.threads,
        pack: settings.pack,
        checkpoint_every: settings.checkpoint_every,
        idle_exit: settings.idle_exit,
        walltime: settings.walltime,
        grace: settings.grace,
        token_grace: coordinator.token_grace(),
    }
}

/// The executor of a slot; devices are given to slots round and round.
fn program(settings: &Settings, slot: u32) -> Program {
    let CommandLine { program: path, mut arguments } = settings.executor.clone();
    let devices = &settings.devices;
    if let Some(device) = devices.get(slot as usize % devices.len().max(1)) {
        arguments.extend(["--device".to_owned(), device.to_string()]);
    }
    Program { path, arguments, threads: settings.threads }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_that_panics_is_one_that_failed() {
        let failed = || Message::SyncFailed { call: 7, failure: SyncFailure::default() };
        let panics = async { panic!("an answer that nobody thought of") };
        assert_eq!(message_of(panics, failed()).await, failed());
        assert_eq!(message_of(async { Message::Timer }, failed()).await, Message::Timer);
    }
}
