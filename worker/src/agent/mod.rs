//! The agent: holds leases, keeps them alive, hands them to slots, and gives them up in time.
//!
//! One loop: say what is held, hear what to do (`Sync`). Lost messages heal at the next round. A lease that can't be
//! renewed is fenced by this machine's own clock, asleep or awake: its work stops before the coordinator can grant it again. The
//! one exception is that provably nobody leads: each coordinator's address refuses connections, or its process says that it
//! stands by. Then nobody grants anything, and who leads next gives live leases a full lease duration, so training goes on.

pub mod attempt;
mod boot_instant;
mod cache;
mod checkpoints;
mod commit;
mod coordinator;
mod environment;
mod error;
mod executor_process;
mod lease;
mod machine;
mod outage_retry;
mod outages;
mod pack;
mod preparation;
mod progress_deadline;
mod settings;
mod slot;
pub mod witness;

use std::sync::Arc;
use std::time::Duration;

use basin_domain::failure::ReleaseReason;
use basin_domain::id::LeaseId;
use basin_domain::worker::WorkerDescription;
use basin_proto::{retry_after, v1};
use basin_storage::{CommitMode, Store};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use self::boot_instant::BootInstant;
use self::cache::DataCache;
use self::coordinator::{Coordinator, NoAnswer};
pub use self::error::AgentError;
use self::executor_process::Program;
use self::lease::{Directive, Lease, LeasedTask};
use self::outages::Outages;
use self::pack::PackSize;
pub use self::settings::{LARGEST_PACK, PROGRESS_TIMEOUT, Settings};
use self::slot::SlotContext;
use self::witness::Witness;

/// How long a worker waits for its coordinator at the start.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest pause between rounds when the coordinator doesn't answer.
const LONGEST_SYNC_PAUSE: Duration = Duration::from_millis(1_000);
/// The shortest: a coordinator that comes back is found before a short lease is fenced.
const SHORTEST_SYNC_PAUSE: Duration = Duration::from_millis(50);
/// Within this time a task that begins does nothing worth keeping.
const SHORTEST_REACH: Duration = Duration::from_secs(5);
/// How long giving back what is left may take, once everything is stopped.
const DEREGISTER_TIMEOUT: Duration = Duration::from_secs(3);

/// The reason for which an agent exited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    /// It was asked to, by a signal or by the coordinator.
    Drained,
    /// There was no work for as long as it should wait.
    Idle,
    /// Its walltime is over.
    Walltime,
}

/// The description of this machine as a worker.
pub fn description(settings: &Settings) -> WorkerDescription {
    WorkerDescription {
        host: machine::hostname(),
        device: settings.devices.first().map_or("cpu", |device| device.kind()).to_owned(),
        memory: machine::memory(&settings.devices, settings.slots),
        slots: settings.slots,
        threads: settings.threads,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        code_path: basin_experiments::code_path().to_owned(),
        labels: settings.labels.clone(),
    }
}

/// Works until `shutdown` is cancelled, the coordinator says so, or there is nothing to do for long enough.
///
/// # Errors
/// If the coordinator can't be reached at the start, or refuses this worker then or later, or if the store or the folders can't be used.
pub async fn run(settings: Settings, shutdown: CancellationToken) -> Result<ExitReason, AgentError> {
    let description = description(&settings);
    let mut coordinator = Coordinator::new(&settings.dial)?;
    let hello = tokio::select! {
        hello = coordinator.hello(settings.id.as_str(), &description, STARTUP_TIMEOUT) => hello?,
        () = shutdown.cancelled() => return Ok(ExitReason::Drained),
    };
    let commits = if hello.asks_to_commit { CommitMode::Serialised } else { CommitMode::Conditional };
    let url = settings.store.clone().unwrap_or(hello.store_url);
    let store = open_store(url).await?;
    for folder in [&settings.scratch, &settings.data_cache] {
        std::fs::create_dir_all(folder)
            .map_err(|source| AgentError::Folder { path: folder.clone(), source })?;
    }
    let (ended_sender, ended) = mpsc::unbounded_channel();
    let outages = Arc::new(Outages::default());
    let shared = Arc::new(SlotContext {
        coordinator,
        cache: DataCache::new(settings.data_cache.clone(), store.clone(), Arc::clone(&outages)),
        outages,
        progress_timeout: settings.progress_timeout,
        store,
        commits,
        worker: settings.id.clone(),
        description,
        checkpoint_every: settings.checkpoint_every,
        scratch: settings.scratch.clone(),
        ended: ended_sender,
    });
    let (work, slots) = start_slots(&shared, &settings);
    let mut agent = Agent {
        pack: PackSize::new(settings.pack, settings.threads),
        settings,
        shared,
        born: BootInstant::now(),
        idle_since: BootInstant::now(),
        leases: Vec::new(),
        work,
        ended,
        seen: 0,
        leaving: None,
        refused: None,
    };
    let witness = agent.settings.witness.as_ref().and_then(|how| Witness::start(how, &agent.settings.id));
    tracing::info!(worker = %agent.settings.id, coordinator = %agent.shared.coordinator.address(), "worker joined");
    let served = agent.serve(&shutdown).await;
    // Their executors are dead, and their scratch folders gone, before anybody is told that the leases are free.
    for slot in slots {
        slot.abort();
        let _ = slot.await;
    }
    let departure = served?;
    let _ = tokio::time::timeout(DEREGISTER_TIMEOUT, agent.deregister(departure)).await;
    if let Some(witness) = witness {
        witness.dismiss().await;
    }
    Ok(departure)
}

/// Opens the store, and looks whether it can be used before any task is charged for it. One that is down is waited for.
async fn open_store(url: String) -> Result<Store, AgentError> {
    let opened = async {
        let store = Store::open(&url)?;
        match store.check_reachable().await {
            Err(error) if error.is_transient() => tracing::warn!(%error, "the store does not answer yet"),
            reached => reached?,
        }
        Ok(store)
    };
    opened.await.map_err(|source| AgentError::Store { url: url.clone(), source })
}

type SlotQueue = mpsc::UnboundedSender<Arc<Lease>>;

fn start_slots(
    shared: &Arc<SlotContext>,
    settings: &Settings,
) -> (Vec<SlotQueue>, Vec<tokio::task::JoinHandle<()>>) {
    let slot = |number: u32| {
        let mut program = Program {
            path: settings.executor.0.clone(),
            arguments: settings.executor.1.clone(),
            threads: settings.threads,
        };
        let devices = &settings.devices;
        if let Some(device) = devices.get(number as usize % devices.len().max(1)) {
            program.arguments.extend(["--device".to_owned(), device.to_string()]);
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, tokio::spawn(slot::serve(Arc::clone(shared), program, receiver)))
    };
    (0..settings.slots).map(slot).unzip()
}

struct Agent {
    settings: Settings,
    pack: PackSize,
    shared: Arc<SlotContext>,
    born: BootInstant,
    /// When it last held a lease.
    idle_since: BootInstant,
    /// The leases that are being worked on, each with its slot.
    leases: Vec<(usize, Arc<Lease>)>,
    work: Vec<SlotQueue>,
    ended: mpsc::UnboundedReceiver<Arc<Lease>>,
    /// The number of the last answer.
    seen: u64,
    /// Set once it is leaving: why, and until when at the latest.
    leaving: Option<(ExitReason, BootInstant)>,
    /// Set while the coordinator refuses its calls: since when, and with which words.
    refused: Option<(BootInstant, Status)>,
}

impl Agent {
    async fn serve(&mut self, shutdown: &CancellationToken) -> Result<ExitReason, AgentError> {
        loop {
            if !self.leases.is_empty() {
                self.idle_since = BootInstant::now();
            }
            self.consider_leaving(shutdown);
            if let Some((departure, latest)) = self.leaving
                && (self.leases.is_empty() || BootInstant::now() >= latest)
            {
                return Ok(departure);
            }
            let pause = self.round(shutdown).await;
            if let Some((since, status)) = &self.refused
                && since.elapsed() >= self.shared.coordinator.token_grace()
            {
                return Err(self.shared.coordinator.refused(status));
            }
            self.fence();
            self.wait(pause, shutdown).await;
        }
    }

    /// Begins to leave when there is a reason: no new leases, running ones are given back with a checkpoint.
    fn consider_leaving(&mut self, shutdown: &CancellationToken) {
        if self.leaving.is_some() {
            return;
        }
        let now = BootInstant::now();
        if shutdown.is_cancelled() {
            self.leave(ExitReason::Drained, ReleaseReason::Preemption);
        } else if self.walltime_ends().is_some_and(|end| now >= end)
            || (self.leases.is_empty() && self.is_too_late_for_more())
        {
            self.leave(ExitReason::Walltime, ReleaseReason::Walltime);
        } else if self.idleness_ends().is_some_and(|end| now >= end) {
            self.leave(ExitReason::Idle, ReleaseReason::Drain);
        }
    }

    /// When it must begin to leave, so that the grace fits into its walltime.
    fn walltime_ends(&self) -> Option<BootInstant> {
        Some(self.born + self.settings.walltime?.saturating_sub(self.settings.grace))
    }

    /// From when on it takes no more leases: what began later would not reach a checkpoint before it is given back. A short
    /// walltime is used for half of it all the same, since leaving writes a checkpoint too.
    fn last_call(&self) -> Option<BootInstant> {
        let end = self.walltime_ends()?;
        let reach = self.settings.checkpoint_every.max(SHORTEST_REACH);
        Some(end - reach.min((end - self.born) / 2))
    }

    fn is_too_late_for_more(&self) -> bool {
        self.last_call().is_some_and(|last| BootInstant::now() >= last)
    }

    /// When it has been idle for long enough.
    fn idleness_ends(&self) -> Option<BootInstant> {
        if self.leases.is_empty() { Some(self.idle_since + self.settings.idle_exit?) } else { None }
    }

    /// When the loop must come round at the latest, whatever it waits for: a lease to fence, or the time to leave or to
    /// have left.
    fn must_look_at(&self) -> Option<BootInstant> {
        let live = self.leases.iter().filter(|(_, lease)| !lease.is_abandoned());
        let fence = live.map(|(_, lease)| BootInstant::now() + lease.until_fence()).min();
        let ends = match self.leaving {
            Some((_, latest)) => [Some(latest), None],
            None if self.leases.is_empty() => [self.last_call(), self.idleness_ends()],
            None => [self.walltime_ends(), None],
        };
        ends.into_iter().chain([fence]).flatten().min()
    }

    fn leave(&mut self, departure: ExitReason, reason: ReleaseReason) {
        tracing::info!(?departure, leases = self.leases.len(), "worker leaving");
        self.leaving = Some((departure, BootInstant::now() + self.settings.grace));
        for (_, lease) in &self.leases {
            lease.directive(Directive::GiveBack(reason));
        }
    }

    fn request(&self) -> v1::SyncRequest {
        let holds = self.leases.iter().map(|(_, lease)| v1::HeldLease {
            lease_id: lease.id.to_string(),
            tasks: lease
                .progress()
                .into_iter()
                .map(|(task, progress)| v1::TaskProgress {
                    task_id: task.to_string(),
                    progress: Some(progress.into()),
                })
                .collect(),
        });
        let free = self.work.len().saturating_sub(self.leases.len());
        let waiting = self.shared.outages.current();
        let takes_more = self.leaving.is_none() && !self.is_too_late_for_more() && waiting.is_none();
        v1::SyncRequest {
            worker_id: self.settings.id.to_string(),
            worker: Some((&self.shared.description).into()),
            holds: holds.collect(),
            free_slots: if takes_more { u32::try_from(free).unwrap_or(u32::MAX) } else { 0 },
            max_pack: self.pack.current(),
            draining: self.leaving.is_some(),
            waiting: waiting.as_ref().map(Into::into),
            seen: self.seen,
        }
    }

    /// One `Sync`. The pause until the next.
    async fn round(&mut self, shutdown: &CancellationToken) -> Duration {
        let request = self.request();
        let sent = BootInstant::now();
        // An idle worker's call waits at the coordinator; a signal must not wait with it.
        let answer = tokio::select! {
            answer = self.shared.coordinator.sync(request) => answer,
            () = shutdown.cancelled(), if self.leaving.is_none() => return Duration::ZERO,
            () = BootInstant::wait_for(self.must_look_at()) => return Duration::ZERO,
        };
        let NoAnswer { status, nobody_leads } = match answer {
            Ok(reply) => {
                let pause = Duration::from_millis(reply.next_sync_ms);
                self.refused = None;
                self.apply_reply(reply, sent);
                return pause;
            }
            Err(unheard) => unheard,
        };
        if nobody_leads {
            tracing::debug!("nobody leads, training goes on");
            for (_, lease) in &self.leases {
                lease.outlive_coordinator(sent);
            }
        } else {
            tracing::warn!(%status, "the coordinator did not answer");
        }
        if let Some(pause) = retry_after(&status) {
            return pause.min(LONGEST_SYNC_PAUSE);
        }
        if coordinator::is_forbidden(&status) {
            self.refused.get_or_insert((BootInstant::now(), status));
        }
        let soonest = self.leases.iter().map(|(_, lease)| lease.until_fence()).min();
        soonest.map_or(LONGEST_SYNC_PAUSE, |soonest| {
            (soonest / 4).clamp(SHORTEST_SYNC_PAUSE, LONGEST_SYNC_PAUSE)
        })
    }

    /// Does what an answer says.
    fn apply_reply(&mut self, reply: v1::SyncReply, sent: BootInstant) {
        self.seen = self.seen.max(reply.answer);
        for renewal in reply.renewed {
            if let Some((_, lease)) = self.leases.iter().find(|(_, l)| l.id.as_str() == renewal.lease_id) {
                lease.renew(sent, Duration::from_millis(renewal.remaining_ms));
            }
        }
        for stop in reply.stop {
            let Some((_, lease)) = self.leases.iter().find(|(_, l)| l.id.as_str() == stop.lease_id) else {
                continue;
            };
            match stop.reason() {
                v1::StopReason::Cancelled => lease.directive(Directive::GiveBack(ReleaseReason::Stopped)),
                v1::StopReason::Lost | v1::StopReason::Unspecified => lease.directive(Directive::Abandon),
            }
        }
        for grant in reply.grants {
            if let Err(error) = self.take(grant, sent) {
                tracing::error!(%error, "a lease could not be understood");
            }
        }
        if reply.drain && self.leaving.is_none() {
            self.leave(ExitReason::Drained, ReleaseReason::Drain);
        }
    }

    /// Takes a new lease to a slot. One that is already held is renewed; one too many waits in a slot's queue.
    fn take(
        &mut self,
        grant: v1::Grant,
        sent: BootInstant,
    ) -> Result<(), basin_proto::convert::InvalidField> {
        let id: LeaseId = basin_proto::convert::parse("lease_id", &grant.lease_id)?;
        let granted = Duration::from_millis(grant.remaining_ms);
        if let Some((_, lease)) = self.leases.iter().find(|(_, lease)| lease.id == id) {
            lease.renew(sent, granted);
            return Ok(());
        }
        let mut tasks = Vec::with_capacity(grant.tasks.len());
        for task in grant.tasks {
            let (id, attempt, spec) = task.try_into()?;
            tasks.push(LeasedTask { id, attempt, spec });
        }
        let load = |slot: &usize| self.leases.iter().filter(|(taken, _)| taken == slot).count();
        let slot = (0..self.work.len()).min_by_key(load).unwrap_or(0);
        let lease = Arc::new(Lease::new(id, tasks, sent, granted));
        if self.leaving.is_some() {
            lease.directive(Directive::GiveBack(ReleaseReason::Drain));
        }
        // A slot's queue ends only with the agent.
        let _ = self.work[slot].send(Arc::clone(&lease));
        self.leases.push((slot, lease));
        Ok(())
    }

    /// Gives up what could be granted to somebody else soon.
    fn fence(&self) {
        for (_, lease) in &self.leases {
            if lease.until_fence().is_zero() {
                lease.directive(Directive::Abandon);
            }
        }
    }

    /// Waits for the next round: until a slot is free, a lease must be fenced, or the pause is over.
    async fn wait(&mut self, pause: Duration, shutdown: &CancellationToken) {
        let look = self.must_look_at();
        tokio::select! {
            Some(lease) = self.ended.recv() => self.forget(&lease),
            () = tokio::time::sleep(pause) => {}
            () = BootInstant::wait_for(look) => {}
            () = shutdown.cancelled(), if self.leaving.is_none() => {}
        }
        self.fence();
        while let Ok(lease) = self.ended.try_recv() {
            self.forget(&lease);
        }
    }

    fn forget(&mut self, ended: &Arc<Lease>) {
        if *ended.directives().borrow() == Directive::Train {
            self.pack.learn(ended.tasks.len(), ended.age());
        }
        self.leases.retain(|(_, lease)| !Arc::ptr_eq(lease, ended));
    }

    /// Gives back what the grace was too short for, and says the last word: no leases, no slots.
    async fn deregister(&mut self, departure: ExitReason) {
        while let Ok(lease) = self.ended.try_recv() {
            self.forget(&lease);
        }
        let reason = match departure {
            ExitReason::Drained => ReleaseReason::Preemption,
            ExitReason::Idle => ReleaseReason::Drain,
            ExitReason::Walltime => ReleaseReason::Walltime,
        };
        for (_, lease) in std::mem::take(&mut self.leases) {
            if lease.is_abandoned() {
                continue;
            }
            for (task, _) in lease.progress() {
                let request = basin_proto::convert::release_request(&lease.id, &task, reason);
                if let Err(status) = self.shared.coordinator.release(&request).await {
                    tracing::warn!(%task, %status, "a task could not be given back");
                }
            }
        }
        let _ = self.shared.coordinator.sync(self.request()).await;
    }
}
