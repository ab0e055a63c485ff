//! The parts of an agent that an attempt works with.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use basin_domain::id::WorkerId;
use basin_domain::worker::WorkerDescription;
use basin_storage::{CommitMode, Store};

use super::cache::DataCache;
use super::coordinator::Coordinator;
use super::outage_waits::OutageWaits;
use super::platform::Platform;
use super::task_logs::TaskLogs;

/// The parts that an attempt works with.
pub(super) struct AttemptContext<'a> {
    pub(super) coordinator: &'a Coordinator,
    pub(super) store: &'a Store,
    pub(super) commits: CommitMode,
    pub(super) cache: &'a DataCache,
    pub(super) worker: &'a WorkerId,
    pub(super) description: &'a WorkerDescription,
    pub(super) checkpoint_every: Duration,
    pub(super) grace: Duration,
    pub(super) progress_timeout: Duration,
    pub(super) outages: &'a Arc<OutageWaits>,
    pub(super) scratch: &'a Path,
    /// Where people who look on read what is said of the task.
    pub(super) logs: &'a Arc<TaskLogs>,
    pub(super) platform: &'a dyn Platform,
}
