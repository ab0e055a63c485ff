//! Reading what a sweep's tasks came to, beside the looks at how they are.

use std::collections::HashSet;
use std::sync::Arc;

use basin_domain::failure::Failure;
use basin_domain::id::TaskId;
use basin_proto::v1;

use super::results::TasksNow;
use super::{Model, SweepModel};

/// Begins to read what a sweep's tasks came to, if nobody does yet.
pub(super) fn read_results(model: &Arc<Model>, sweep: &Arc<SweepModel>) {
    let Ok(store) = model.store() else { return };
    let (model, sweep) = (Arc::clone(model), Arc::clone(sweep));
    let runtime = tokio::runtime::Handle::current();
    // On a thread of its own: much of it is no waiting.
    tokio::task::spawn_blocking(move || {
        let now = model.now();
        let named = now.replies.get(&sweep.id).map(|reply| failures(reply)).unwrap_or_default();
        let failed = with_unnamed(named, &sweep.failed());
        let committed = sweep.committed();
        let tasks = TasksNow { committed: &committed, failed: &failed, list: sweep.list() };
        let refreshed = sweep.results.refresh(&store, &sweep.id, &tasks, &model.latencies);
        for topic in runtime.block_on(refreshed) {
            model.changes.note(&sweep.id, topic);
        }
    });
}

/// All failed tasks: those that an answer names, with their failures, and the others. Of very many not all are named.
fn with_unnamed(named: Vec<(TaskId, Failure)>, failed: &[TaskId]) -> Vec<(TaskId, Option<Failure>)> {
    let known: HashSet<TaskId> = named.iter().map(|(id, _)| *id).collect();
    let others = failed.iter().filter(|id| !known.contains(*id)).map(|id| (*id, None));
    named.into_iter().map(|(id, failure)| (id, Some(failure))).chain(others).collect()
}

/// The failed tasks that an answer names.
fn failures(reply: &v1::GetSweepReply) -> Vec<(TaskId, Failure)> {
    let known = |task: &v1::FailedTask| {
        let kind = v1::FailureKind::domain(task.kind_code, &task.kind)?;
        Some((task.task_id.parse().ok()?, Failure::new(kind, &task.message)))
    };
    reply.failed.iter().filter_map(known).collect()
}

#[cfg(test)]
mod tests {
    use basin_domain::digest::Digest;
    use basin_domain::failure::FailureKind;

    use super::*;

    #[test]
    fn a_task_that_failed_counts_also_where_there_are_too_many_to_name() {
        let id = |number: u8| TaskId(Digest::of(&[number]));
        let failure = Failure::new(FailureKind::Crashed, "a");
        let named = vec![(id(1), failure.clone())];
        let all = with_unnamed(named, &[id(0), id(1), id(2)]);
        assert_eq!(all, [(id(1), Some(failure)), (id(0), None), (id(2), None)]);
        assert!(with_unnamed(Vec::new(), &[]).is_empty());
    }
}
