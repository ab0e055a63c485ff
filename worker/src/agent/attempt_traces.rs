//! The spans of attempts: each a child of its lease's, open from its beginning until the coordinator has heard of its end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use basin_domain::failure::Failure;
use basin_domain::id::{LeaseId, TaskId, WorkerId};
use basin_domain::task::LeasedTask;
use basin_traces::{Part, Span, TraceParent};

use super::reactor::AttemptOutcome;

/// The leases whose spans are kept for attempts that haven't begun; what is forgotten begins a trace of its own.
const LEASES: usize = 4_096;

/// The spans of attempts, and of the leases of those that are to begin.
#[derive(Debug, Default)]
pub(super) struct AttemptTraces {
    leases: Mutex<HashMap<TaskId, TraceParent>>,
    attempts: Mutex<HashMap<(LeaseId, TaskId), Arc<Span>>>,
}

impl AttemptTraces {
    /// A task was granted, with a lease of this span.
    pub(super) fn note_lease(&self, task: TaskId, lease: TraceParent) {
        let mut leases = unpoisoned(&self.leases);
        if leases.len() >= LEASES {
            leases.clear();
        }
        leases.insert(task, lease);
    }

    /// An attempt begins. Its span is kept until it is [taken](Self::take) or [forgotten](Self::forget).
    pub(super) fn begin(
        &self,
        lease: &LeaseId,
        task: &LeasedTask,
        name: &str,
        worker: &WorkerId,
    ) -> Arc<Span> {
        let parent = unpoisoned(&self.leases).remove(&task.id);
        let span = Span::of_parent(Part::Agent, "attempt", parent.as_ref());
        if span.is_none() {
            return Arc::new(span);
        }
        span.note_text("basin.task.id", task.id);
        span.note_text("basin.task.name", name);
        span.note_count("basin.attempt", u64::from(task.attempt.0));
        span.note_text("basin.worker", worker);
        span.note_text("basin.lease", lease);
        let span = Arc::new(span);
        unpoisoned(&self.attempts).insert((lease.clone(), task.id), Arc::clone(&span));
        span
    }

    /// The span of an attempt whose end is told to the coordinator; it ends with that.
    pub(super) fn take(&self, lease: &LeaseId, task: TaskId) -> Arc<Span> {
        unpoisoned(&self.attempts).remove(&(lease.clone(), task)).unwrap_or_default()
    }

    /// A lease is over: nothing more is told of its attempts.
    pub(super) fn forget(&self, lease: &LeaseId) {
        unpoisoned(&self.attempts).retain(|(known, _), _| known != lease);
    }
}

/// Notes how an attempt ended.
pub(super) fn note_outcome(span: &Span, outcome: &AttemptOutcome) {
    let word = match outcome {
        AttemptOutcome::Committed { .. } => "committed",
        AttemptOutcome::Failed(Failure { kind, message }) => {
            span.note_text("basin.failure", kind);
            span.fail(message);
            "failed"
        }
        AttemptOutcome::Released(reason) => {
            span.note_text("basin.reason", reason.as_str());
            "released"
        }
        AttemptOutcome::Abandoned => "abandoned",
    };
    span.note_text("basin.outcome", word);
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
