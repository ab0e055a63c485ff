//! The coordinator's messages and the reactor's, one made from the other.

use std::time::Duration;

use basin_domain::id::WorkerId;
use basin_domain::task::LeasedTask;
use basin_domain::worker::WorkerDescription;
use basin_proto::convert::{InvalidField, parse};
use basin_proto::{retry_after, v1};

use super::coordinator::{NoAnswer, is_forbidden};
use super::reactor::{Grant, HeldLease, StopReason, SyncFailure, SyncReply, SyncRequest};

/// A `Sync` of this worker.
pub(super) fn request(
    worker: &WorkerId,
    description: &WorkerDescription,
    request: SyncRequest,
) -> v1::SyncRequest {
    let SyncRequest { holds, free_slots, max_pack, draining, waiting, seen } = request;
    let held = |held: HeldLease| v1::HeldLease {
        lease_id: held.lease.to_string(),
        tasks: held
            .tasks
            .into_iter()
            .map(|(task, progress)| v1::TaskProgress {
                task_id: task.to_string(),
                progress: Some(progress.into()),
            })
            .collect(),
    };
    v1::SyncRequest {
        worker_id: worker.to_string(),
        worker: Some(description.into()),
        holds: holds.into_iter().map(held).collect(),
        free_slots,
        max_pack,
        draining,
        waiting: waiting.as_ref().map(Into::into),
        seen,
    }
}

/// The answer to a `Sync`. Leases that can't be understood are left out.
pub(super) fn reply(reply: v1::SyncReply) -> SyncReply {
    let renewed = reply.renewed.into_iter().filter_map(|renewal| {
        let lease = parse("lease_id", &renewal.lease_id).ok()?;
        Some((lease, Duration::from_millis(renewal.remaining_ms)))
    });
    let stop = reply.stop.into_iter().filter_map(|stop| {
        let reason = match stop.reason() {
            v1::StopReason::Cancelled => StopReason::Cancelled,
            v1::StopReason::Lost | v1::StopReason::Unspecified => StopReason::Lost,
        };
        Some((parse("lease_id", &stop.lease_id).ok()?, reason))
    });
    let grants = reply.grants.into_iter().filter_map(|wire| {
        let understood = grant(wire);
        understood.inspect_err(|error| tracing::error!(%error, "a lease could not be understood")).ok()
    });
    SyncReply {
        answer: reply.answer,
        renewed: renewed.collect(),
        stop: stop.collect(),
        grants: grants.collect(),
        next_sync: Duration::from_millis(reply.next_sync_ms),
        drain: reply.drain,
    }
}

fn grant(grant: v1::Grant) -> Result<Grant, InvalidField> {
    let lease = parse("lease_id", &grant.lease_id)?;
    let tasks = grant.tasks.into_iter().map(LeasedTask::try_from).collect::<Result<_, _>>()?;
    Ok(Grant { lease, tasks, duration: Duration::from_millis(grant.remaining_ms) })
}

/// The way in which a `Sync` failed.
pub(super) fn failure(no_answer: &NoAnswer) -> SyncFailure {
    SyncFailure {
        nobody_leads: no_answer.nobody_leads,
        retry_after: retry_after(&no_answer.status),
        is_refused: is_forbidden(&no_answer.status),
    }
}
