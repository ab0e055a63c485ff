//! What tasks are expected to take.

use std::collections::HashMap;

use basin_domain::id::TaskId;
use basin_domain::time::Timestamp;

/// The expected work of a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaskWork {
    /// Seconds of one slot; if that isn't known, an amount that says something beside those of its experiment alone.
    pub amount: f64,
    /// Whether it is seconds.
    pub is_seconds: bool,
}

impl TaskWork {
    /// So many seconds of one slot.
    pub const fn seconds(amount: f64) -> Self {
        Self { amount, is_seconds: true }
    }

    /// So much, compared with other tasks of the experiment.
    pub const fn relative(amount: f64) -> Self {
        Self { amount, is_seconds: false }
    }
}

/// What the tasks of a sweep are expected to take.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExpectedWork {
    /// By task. One that isn't here is as much work as any other of its experiment.
    pub tasks: HashMap<TaskId, TaskWork>,
    /// Whether the seconds are those of the workers at hand, as they were measured before, and not of some reference.
    pub is_of_these_workers: bool,
    /// How many slots will work, where that is known before any does.
    pub slots: Option<u32>,
    /// Attempts that began before are none of these workers'.
    pub since: Timestamp,
}

impl ExpectedWork {
    /// The expected work of a task.
    pub fn of(&self, task: &TaskId) -> TaskWork {
        let known = self.tasks.get(task).copied().unwrap_or(TaskWork::relative(1.0));
        // Nothing that is to be done is no work at all: shares and means are of something.
        let amount = if known.amount.is_finite() { known.amount.max(1e-6) } else { 1e12 };
        TaskWork { amount, ..known }
    }
}
