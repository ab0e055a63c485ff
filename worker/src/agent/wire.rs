//! The coordinator's messages and the reactor's, one made from the other.

use std::time::Duration;

use basin_domain::id::{TaskId, WorkerId};
use basin_domain::task::LeasedTask;
use basin_domain::worker::{HeldLease, RevocationReason, WorkerDescription};
use basin_proto::convert::{InvalidField, parse};
use basin_proto::{retry_after, task_log, v1};
use basin_traces::TraceParent;

use super::coordinator::{NoAnswer, is_forbidden};
use super::reactor::{Grant, SyncFailure, SyncReply, SyncRequest};
use super::task_logs::TaskNews;

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
            .progress
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
        logs: Vec::new(),
        usage: None,
    }
}

/// What is new of a task's log, of its loss and of its series.
pub(super) fn log(news: &TaskNews) -> task_log::Bytes {
    let TaskNews { task, first, lines, losses, series } = news;
    let losses = (!losses.is_empty()).then(|| losses.as_slice().into());
    let series = series.iter().map(Into::into).collect();
    let (task_id, lines) = (task.to_string(), lines.clone());
    task_log::written(&v1::TaskLog { task_id, first: *first, lines, losses, series })
}

/// The names of the tasks of new leases, as far as the coordinator says them.
pub(super) fn names(reply: &v1::SyncReply) -> impl Iterator<Item = (TaskId, String)> {
    let tasks = reply.grants.iter().flat_map(|grant| &grant.tasks).filter(|task| !task.name.is_empty());
    tasks.filter_map(|task| Some((task.task_id.parse().ok()?, task.name.clone())))
}

/// The spans of the leases of new tasks, as far as the coordinator traces them.
pub(super) fn traces(reply: &v1::SyncReply) -> impl Iterator<Item = (TaskId, TraceParent)> {
    let tasks = reply.grants.iter().flat_map(|grant| &grant.tasks);
    tasks.filter_map(|task| Some((task.task_id.parse().ok()?, task.traceparent.parse().ok()?)))
}

/// The answer to a `Sync`. Leases that can't be understood are left out.
pub(super) fn reply(reply: v1::SyncReply) -> SyncReply {
    let renewed = reply.renewed.into_iter().filter_map(|renewal| {
        let lease = parse("lease_id", &renewal.lease_id).ok()?;
        Some((lease, Duration::from_millis(renewal.remaining_ms)))
    });
    let stop = reply.stop.into_iter().filter_map(|stop| {
        let reason = match stop.reason() {
            v1::StopReason::Cancelled => RevocationReason::Cancelled,
            v1::StopReason::Lost | v1::StopReason::Unspecified => RevocationReason::Lost,
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

#[cfg(test)]
mod tests {
    use basin_domain::id::LeaseId;
    use basin_domain::outage::{Outage, OutageKind, OutageWait};
    use basin_domain::worker::Progress;
    use tonic::Status;

    use super::super::testing::small_task;
    use super::*;

    fn id(lease: &str) -> LeaseId {
        LeaseId::new(lease).unwrap()
    }

    #[test]
    fn a_sync_says_what_is_held_how_far_it_is_and_what_is_waited_for() {
        let progress = Progress { iteration: 7, loss: Some(f64::NAN), ..Progress::default() };
        let outage = Outage::new(OutageKind::Full, "quota");
        let sent = SyncRequest {
            holds: vec![HeldLease { lease: id("l"), progress: vec![(small_task().id, progress)] }],
            free_slots: 3,
            max_pack: 8,
            draining: true,
            waiting: Some(OutageWait { outage, results: 2, lasting: Duration::from_millis(1_500) }),
            seen: 9,
        };
        let worker = WorkerId::new("w").unwrap();
        let wire = request(&worker, &WorkerDescription::default(), sent);
        assert_eq!((wire.worker_id.as_str(), wire.free_slots, wire.max_pack, wire.seen), ("w", 3, 8, 9));
        assert!(wire.draining);
        let waiting = wire.waiting.unwrap();
        assert_eq!((waiting.kind.as_str(), waiting.results, waiting.lasting_ms), ("full", 2, 1_500));
        let held = &wire.holds[0];
        assert_eq!(
            (held.lease_id.as_str(), held.tasks[0].task_id.clone()),
            ("l", small_task().id.to_string())
        );
        let said = held.tasks[0].progress.unwrap();
        assert!(said.iteration == 7 && said.loss.is_some_and(f64::is_nan), "{said:?}");
    }

    #[test]
    fn leases_that_cannot_be_understood_are_left_out_and_the_others_are_not() {
        let task = || v1::LeasedTask::from(&small_task());
        let grant =
            |lease: &str, tasks| v1::Grant { lease_id: lease.to_owned(), remaining_ms: 30_000, tasks };
        let other = v1::LeasedTask { task_id: "ab".repeat(32), ..task() };
        let wire = v1::SyncReply {
            answer: 4,
            grants: vec![
                grant("good", vec![task()]),
                grant("../out", vec![task()]),
                grant("another's", vec![task()]),
                grant("bad-id", vec![v1::LeasedTask { task_id: "zz".to_owned(), ..task() }]),
                grant("other-spec", vec![task(), other]),
                grant("no-json", vec![v1::LeasedTask { spec_json: "{".to_owned(), ..task() }]),
            ],
            renewed: vec![
                v1::Renewal { lease_id: String::new(), remaining_ms: 1 },
                v1::Renewal { lease_id: "held".to_owned(), remaining_ms: u64::MAX },
            ],
            drain: true,
            next_sync_ms: 250,
            ..v1::SyncReply::default()
        };
        let understood = reply(wire);
        let grants: Vec<_> =
            understood.grants.iter().map(|grant| (grant.lease.as_str(), grant.tasks.len())).collect();
        assert_eq!(grants, [("good", 1)]);
        assert_eq!(understood.grants[0].tasks[0], small_task());
        assert_eq!(understood.renewed, [(id("held"), Duration::from_millis(u64::MAX))]);
        assert_eq!((understood.answer, understood.drain), (4, true));
        assert_eq!(understood.next_sync, Duration::from_millis(250));
    }

    #[test]
    fn a_lease_that_is_stopped_for_a_reason_of_a_later_version_is_lost() {
        let stop = |lease: &str, reason: i32| v1::Stop { lease_id: lease.to_owned(), reason };
        let cancelled = v1::StopReason::Cancelled.into();
        let wire = v1::SyncReply {
            stop: vec![stop("a", cancelled), stop("b", 0), stop("c", 99), stop("", cancelled)],
            ..v1::SyncReply::default()
        };
        let (lost, given_back) = (RevocationReason::Lost, RevocationReason::Cancelled);
        assert_eq!(reply(wire).stop, [(id("a"), given_back), (id("b"), lost), (id("c"), lost)]);
    }

    #[test]
    fn a_failure_says_whether_the_worker_is_refused_and_when_to_call_again() {
        let of = |status, nobody_leads| failure(&NoAnswer { status, nobody_leads });
        let refused = of(Status::unauthenticated("x"), false);
        assert!(refused.is_refused && refused.retry_after.is_none() && !refused.nobody_leads);
        assert!(of(Status::permission_denied("x"), false).is_refused);
        let mut busy = Status::resource_exhausted("x");
        busy.metadata_mut().insert(basin_proto::RETRY_AFTER_KEY, "1500".parse().unwrap());
        let busy = of(busy, true);
        assert!(!busy.is_refused && busy.nobody_leads);
        assert_eq!(busy.retry_after, Some(Duration::from_millis(1_500)));
    }
}
