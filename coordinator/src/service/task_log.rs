//! The log of a task: what its worker says at present, else what its attempts have left in the store.

use basin_core::Ledger;
use basin_core::view::Phase;
use basin_domain::id::{Attempt, LeaseId, TaskId, WorkerId};
use basin_proto::v1;
use tonic::Status;

use super::{Coordinator, refusal, wire};
use crate::stored_log;

/// An attempt that is worked on.
struct LiveAttempt {
    attempt: Attempt,
    lease: LeaseId,
    worker: WorkerId,
}

impl Coordinator {
    /// The log of a task that the ledger has, from the line on that the request names.
    pub(super) async fn task_log(
        &self,
        task: TaskId,
        request: &v1::GetTaskLogRequest,
    ) -> Result<v1::GetTaskLogReply, Status> {
        let look = move |ledger: &Ledger| {
            let view = ledger.task(&task)?;
            let workers = view.attempts.iter().map(|it| (it.attempt, it.lease.clone(), it.worker.clone()));
            Some((view.phase, workers.collect::<Vec<_>>()))
        };
        let found = self.ledger.view(look).await.map_err(|error| refusal::decide_error(&error))?;
        let (phase, attempts) = found.ok_or_else(|| Status::not_found("the task is gone"))?;
        let reply = v1::GetTaskLogReply {
            task_id: task.to_string(),
            name: self.known_name(task).await,
            state_code: wire::task_state(phase).into(),
            ..v1::GetTaskLogReply::default()
        };
        let is_live = matches!(phase, Phase::Running | Phase::Expiring);
        let last = attempts.last().cloned();
        let last = last.map(|(attempt, lease, worker)| LiveAttempt { attempt, lease, worker });
        let after = |attempt: Attempt| if request.attempt == attempt.0 { request.after } else { 0 };
        // The rest of what was said of an attempt that was followed until now, though it has ended meanwhile.
        if let Some(LiveAttempt { attempt, lease, worker }) = last
            && (is_live || request.attempt == attempt.0)
        {
            let from = after(attempt);
            let lines =
                self.news.look(move |kept| kept.logs.read(&task, &lease, from)).await.unwrap_or_default();
            return Ok(v1::GetTaskLogReply {
                attempt: attempt.0,
                worker_id: worker.to_string(),
                first: lines.first,
                lines: lines.lines,
                is_live,
                ..reply
            });
        }
        let Some(stored) = stored_log::newest(&self.store, &task).await.map_err(refusal::store_error)? else {
            return Ok(reply);
        };
        let worker = attempts.into_iter().find(|(_, lease, _)| *lease == stored.lease);
        // Whoever follows this attempt has the lines before.
        let known = usize::try_from(after(stored.attempt).saturating_sub(stored.first)).unwrap_or(usize::MAX);
        let known = known.min(stored.lines.len());
        Ok(v1::GetTaskLogReply {
            attempt: stored.attempt.0,
            worker_id: worker.map(|(_, _, worker)| worker.to_string()).unwrap_or_default(),
            first: stored.first + known as u64,
            lines: stored.lines[known..].to_vec(),
            ..reply
        })
    }
}
