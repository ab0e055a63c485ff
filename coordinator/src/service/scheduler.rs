//! The calls of workers.

use std::time::{Duration, SystemTime};

use basin_core::command::{
    Adopt, Complete, DOCUMENT_LIMIT, Exited, Fail, HeldLease, Release, RevocationReason, Settled, Sync,
    Synced,
};
use basin_domain::id::{LeaseId, TaskId, WorkerId};
use basin_domain::time::Timestamp;
use basin_domain::worker::{Progress, WorkerDescription, WorkerUsage};
use basin_proto::convert::{InvalidField, failure, parse, release_reason, required};
use basin_proto::v1::scheduler_server::Scheduler;
use basin_proto::{OLDEST_PROTOCOL, PROTOCOL, v1};
use basin_storage::CommitMode;
use tonic::{Request, Response, Status};

use super::task_news::Said;
use super::{Coordinator, Leadership, commit_record, refusal};

/// How long an idle worker's call waits for something to do at most. Well below any proxy's patience.
const HOLD: Duration = Duration::from_secs(8);
/// And at most this share of a lease's duration: the worker counts a lease from before it asked, so what the call waited is
/// taken off the lease that it brings.
const HOLDS_PER_LEASE: u32 = 4;
/// The pause that a busy worker makes between two calls, as a share of its lease's duration.
const SYNCS_PER_LEASE: u32 = 15;
/// The most leases and slots that one worker can claim, so that no message makes memory grow without bound.
const WORKER_LIMIT: usize = 4096;

/// The workers' service.
#[derive(Debug, Clone)]
pub struct SchedulerService(pub Leadership);

type RpcResult<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Scheduler for SchedulerService {
    async fn hello(&self, request: Request<v1::HelloRequest>) -> RpcResult<v1::HelloReply> {
        let request = request.into_inner();
        check_protocol(request.protocol)?;
        let worker: WorkerId = parse("worker_id", &request.worker_id)?;
        let description = WorkerDescription::try_from(required("worker", request.worker)?)?;
        let coordinator = self.0.coordinator()?;
        let asks_to_commit = coordinator.commits == CommitMode::Serialised;
        if asks_to_commit && !request.can_ask_to_commit {
            return Err(Status::failed_precondition(format!(
                "the store {} ignores conditional writes, and this worker can't let the coordinator commit; use workers \
                 of basin {}",
                coordinator.store.url(),
                env!("CARGO_PKG_VERSION"),
            )));
        }
        tracing::info!(%worker, host = description.host, slots = description.slots, "worker said hello");
        Ok(Response::new(v1::HelloReply {
            protocol: request.protocol,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store_url: coordinator.store.url().to_owned(),
            lease_duration_ms: millis(coordinator.lease_duration),
            has_shared_journal: coordinator.has_shared_journal,
            asks_to_commit,
        }))
    }

    async fn sync(&self, request: Request<v1::SyncRequest>) -> RpcResult<v1::SyncReply> {
        let coordinator = self.0.coordinator()?;
        let mut request = request.into_inner();
        let mut logs = std::mem::take(&mut request.logs);
        let mut usage = request.usage.take().map(WorkerUsage::from);
        let sync = sync_command(request)?;
        let may_wait = sync.holds.is_empty() && sync.free_slots > 0 && !sync.draining;
        let deadline = tokio::time::Instant::now() + HOLD.min(coordinator.lease_duration / HOLDS_PER_LEASE);
        loop {
            // Listening begins before the ledger is asked: what is launched in between is not missed.
            let woken = coordinator.wake.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            let slots = sync.free_slots.min(sync.description.slots);
            let request = Sync { fresh: fresh_leases(&coordinator, slots), ..sync.clone() };
            let asked = SystemTime::now();
            let (synced, write) = coordinator.decide_timed(request).await?;
            coordinator.news.hear(Said::new(
                &sync.holds,
                &synced,
                std::mem::take(&mut logs),
                coordinator.ledger.now(),
            ));
            keep_usage(&coordinator, &sync, usage.take());
            let has_news = !synced.grants.is_empty() || !synced.stop.is_empty() || synced.drain;
            let is_woken = async {
                tokio::select! {
                    biased;
                    () = woken => true,
                    () = tokio::time::sleep_until(deadline) => false,
                    () = coordinator.stop.cancelled() => false,
                }
            };
            if !may_wait || has_news || !is_woken.await {
                let mut reply = answer(&coordinator, synced);
                coordinator.name_granted(&mut reply.grants).await;
                coordinator.trace_granted(&sync.worker, &mut reply.grants, asked, write).await;
                return Ok(Response::new(reply));
            }
        }
    }

    async fn complete(&self, request: Request<v1::CompleteRequest>) -> RpcResult<v1::SettleReply> {
        let coordinator = self.0.coordinator()?;
        let request = request.into_inner();
        let lease: LeaseId = parse("lease_id", &request.lease_id)?;
        let task: TaskId = parse("task_id", &request.task_id)?;
        let manifest: basin_domain::digest::Digest = parse("manifest_digest", &request.manifest_digest)?;
        // The store is believed, not the caller: what counts is the commit that is there.
        let commit = coordinator.store.read_commit(&task).await.map_err(refusal::store_error)?;
        let Some(commit) = commit.filter(|commit| commit.manifest == manifest) else {
            return Err(Status::failed_precondition(format!("the store has no such commit of task {task}")));
        };
        let record = commit_record(&commit);
        let settled = match commit.lease == lease {
            true => coordinator.decide(Complete(record)).await?,
            false => adopted(coordinator.decide(Adopt(record)).await?),
        };
        coordinator.wake.notify_waiters();
        Ok(settle_reply(settled))
    }

    async fn commit(&self, request: Request<v1::CommitRequest>) -> RpcResult<v1::CommitReply> {
        let request = request.into_inner();
        if request.commit_json.len() > DOCUMENT_LIMIT {
            return Err(Status::invalid_argument(format!(
                "field `commit_json`: more than {DOCUMENT_LIMIT} bytes"
            )));
        }
        let commit = basin_storage::Commit::from_bytes(request.commit_json.as_bytes())
            .map_err(|error| Status::invalid_argument(format!("field `commit_json`: {error}")))?;
        let counts = self.0.coordinator()?.commit(commit).await?;
        let commit_json = String::from_utf8(counts.to_bytes()).expect("JSON is text");
        Ok(Response::new(v1::CommitReply { commit_json }))
    }

    async fn fail(&self, request: Request<v1::FailRequest>) -> RpcResult<v1::SettleReply> {
        let coordinator = self.0.coordinator()?;
        let request = request.into_inner();
        let lease = parse("lease_id", &request.lease_id)?;
        let task: TaskId = parse("task_id", &request.task_id)?;
        let failure = failure(request.kind_code, &request.kind, request.message)?;
        // A commit whose answer was lost looks like a failure of the store: the store is asked before anybody is charged.
        let commit = coordinator.commit_of(task).await.unwrap_or_else(|error| {
            tracing::warn!(%task, %error, "the store did not say whether a failed task is committed");
            None
        });
        let settled = match commit {
            Some(commit) => adopted(coordinator.decide(Adopt(commit_record(&commit))).await?),
            None => coordinator.decide(Fail { lease, task, failure }).await?,
        };
        coordinator.wake.notify_waiters();
        Ok(settle_reply(settled))
    }

    async fn release(&self, request: Request<v1::ReleaseRequest>) -> RpcResult<v1::SettleReply> {
        let coordinator = self.0.coordinator()?;
        let request = request.into_inner();
        let lease = parse("lease_id", &request.lease_id)?;
        let task = parse("task_id", &request.task_id)?;
        let reason = release_reason(request.reason_code, &request.reason)?;
        let settled = coordinator.decide(Release { lease, task, reason }).await?;
        coordinator.wake.notify_waiters();
        Ok(settle_reply(settled))
    }

    async fn report_exit(&self, request: Request<v1::ReportExitRequest>) -> RpcResult<v1::ReportExitReply> {
        let coordinator = self.0.coordinator()?;
        let worker: WorkerId = parse("worker_id", &request.into_inner().worker_id)?;
        coordinator.decide(Exited(worker.clone())).await?;
        coordinator.usages.forget(&worker);
        tracing::warn!(%worker, "the worker's process has ended");
        // Its tasks are looked up without waiting for the next tick.
        coordinator.due.notify_one();
        Ok(Response::new(v1::ReportExitReply {}))
    }
}

/// Keeps what a worker that the ledger knows says of its machine, until it says its last word.
fn keep_usage(coordinator: &Coordinator, sync: &Sync, usage: Option<WorkerUsage>) {
    if sync.draining && sync.holds.is_empty() {
        coordinator.usages.forget(&sync.worker);
    } else if let Some(usage) = usage {
        coordinator.usages.note(&sync.worker, usage, coordinator.ledger.now());
    }
}

fn answer(coordinator: &Coordinator, synced: Synced) -> v1::SyncReply {
    let now = coordinator.ledger.now();
    let remaining = |until: Timestamp| millis(until - now);
    v1::SyncReply {
        answer: synced.answer,
        grants: synced
            .grants
            .into_iter()
            .map(|grant| v1::Grant {
                lease_id: grant.lease.to_string(),
                remaining_ms: remaining(grant.expires),
                tasks: grant.tasks.iter().map(v1::LeasedTask::from).collect(),
            })
            .collect(),
        renewed: synced
            .renewed
            .into_iter()
            .map(|(lease, until)| v1::Renewal { lease_id: lease.to_string(), remaining_ms: remaining(until) })
            .collect(),
        stop: synced
            .stop
            .into_iter()
            .map(|(lease, reason)| v1::Stop {
                lease_id: lease.to_string(),
                reason: match reason {
                    RevocationReason::Lost => v1::StopReason::Lost,
                    RevocationReason::Cancelled => v1::StopReason::Cancelled,
                }
                .into(),
            })
            .collect(),
        drain: synced.drain,
        idle: synced.idle,
        next_sync_ms: millis(coordinator.lease_duration / SYNCS_PER_LEASE).clamp(20, 2_000),
    }
}

/// Refuses workers of versions that aren't spoken here.
fn check_protocol(theirs: u32) -> Result<(), Status> {
    if (OLDEST_PROTOCOL..=PROTOCOL).contains(&theirs) {
        return Ok(());
    }
    let version = env!("CARGO_PKG_VERSION");
    let message = format!(
        "this coordinator speaks protocol versions {OLDEST_PROTOCOL} to {PROTOCOL} and the worker version {theirs}; \
         use workers of basin {version}"
    );
    let hint = if theirs > PROTOCOL {
        "replace the coordinator first, then its workers"
    } else {
        "replace the workers by ones of the coordinator's version"
    };
    Err(basin_proto::hint::attach(Status::failed_precondition(message), hint))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn fresh_leases(coordinator: &Coordinator, slots: u32) -> Vec<LeaseId> {
    (0..slots).map(|_| coordinator.platform.new_lease_id()).collect()
}

/// The lease of whoever reports an attempt whose task another one committed.
const fn adopted((): ()) -> Settled {
    Settled { held: false }
}

fn settle_reply(Settled { held }: Settled) -> Response<v1::SettleReply> {
    Response::new(v1::SettleReply { held })
}

fn sync_command(wire: v1::SyncRequest) -> Result<Sync, InvalidField> {
    let too_many = |field, limit| Err(InvalidField { field, why: format!("more than {limit}") });
    if wire.holds.len() > WORKER_LIMIT {
        return too_many("holds", WORKER_LIMIT);
    }
    if wire.free_slots as usize > WORKER_LIMIT {
        return too_many("free_slots", WORKER_LIMIT);
    }
    let mut holds = Vec::with_capacity(wire.holds.len());
    for held in wire.holds {
        let mut progress = Vec::with_capacity(held.tasks.len());
        for task in held.tasks {
            let id: TaskId = parse("holds.task_id", &task.task_id)?;
            progress.push((id, Progress::from(task.progress.unwrap_or_default())));
        }
        holds.push(HeldLease { lease: parse("holds.lease_id", &held.lease_id)?, progress });
    }
    let mut description: WorkerDescription = required("worker", wire.worker)?.try_into()?;
    // One that says nothing of its slots has one.
    description.slots = description.slots.clamp(1, u32::try_from(WORKER_LIMIT).unwrap_or(u32::MAX));
    Ok(Sync {
        worker: parse("worker_id", &wire.worker_id)?,
        description,
        holds,
        free_slots: wire.free_slots,
        max_pack: wire.max_pack.clamp(1, 1024),
        draining: wire.draining,
        waiting: wire.waiting.map(Into::into),
        seen: wire.seen,
        fresh: Vec::new(),
    })
}
