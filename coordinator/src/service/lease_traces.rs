//! The traces of attempts, each of which begins with its lease: the worker's spans are children of that.

use std::collections::HashMap;
use std::time::SystemTime;

use basin_domain::id::{SweepId, TaskId, WorkerId};
use basin_proto::v1;
use basin_traces::{Part, Span};

use super::Coordinator;
use crate::journal::JournalWrite;

impl Coordinator {
    /// Begins a trace for each task that was granted to a worker who asked at that time, where somebody traces, and puts its place
    /// beside the task.
    pub(super) async fn trace_granted(
        &self,
        worker: &WorkerId,
        grants: &mut [v1::Grant],
        asked: SystemTime,
        write: JournalWrite,
    ) {
        if grants.is_empty() || !basin_traces::is_on() {
            return;
        }
        let granted = grants.iter().flat_map(|grant| &grant.tasks);
        let tasks: Vec<TaskId> = granted.filter_map(|task| task.task_id.parse().ok()).collect();
        let sweeps: HashMap<TaskId, Vec<SweepId>> = self.sweeps_of(&tasks).await.into_iter().collect();
        for v1::Grant { lease_id, tasks, .. } in grants {
            for task in tasks {
                let lease = Span::root_since(Part::Coordinator, "lease", asked);
                let sweeps = task.task_id.parse::<TaskId>().ok().and_then(|id| sweeps.get(&id));
                if let Some(sweep) = sweeps.and_then(|sweeps| sweeps.first()) {
                    lease.note_text("basin.sweep", sweep);
                }
                lease.note_text("basin.task.id", &task.task_id);
                lease.note_text("basin.task.name", &task.name);
                lease.note_count("basin.attempt", u64::from(task.attempt));
                lease.note_text("basin.worker", worker);
                lease.note_text("basin.lease", &*lease_id);
                lease.within(|| write.trace());
                task.traceparent = lease.traceparent().map(|place| place.to_string()).unwrap_or_default();
            }
        }
    }
}
