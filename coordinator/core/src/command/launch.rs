//! A sweep arrives.

use std::collections::BTreeMap;

use basin_domain::id::{SweepId, TaskId};
use basin_domain::placement::Requirements;
use basin_domain::scheduling::{SchedulingChange, UserName};
use basin_domain::task::TaskSpec;

use super::commit::CommitRecord;

/// Adds a sweep with its tasks. Launching the same sweep again changes nothing; tasks that other sweeps brought are shared; a
/// cancelled sweep that is launched again goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Launch {
    /// The sweep's id (a digest of its contents).
    pub sweep: SweepId,
    /// Who launches it, if that is known: whoever launches a sweep first is its user, or again after it was cancelled.
    pub user: Option<UserName>,
    /// The change of its quota of workers.
    pub adjustment: SchedulingChange,
    /// The tasks in the order of the sweep file, each with its experiment's name for display.
    pub tasks: Vec<LaunchTask>,
    /// Tasks that the store already has a commit for.
    pub committed: Vec<CommitRecord>,
    /// The requirements of experiments on workers: of those that have any, by name.
    pub needs: BTreeMap<String, Requirements>,
}

/// A part of a sweep that is too large for one request: others are decided between its parts. The parts come in order; with
/// the last one the sweep is launched, all of it at once. One that arrived before changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchPart {
    /// The sweep with the tasks of this part, and those of them that are committed. A task's inputs are in this part, in one
    /// before it, or known.
    pub launch: Launch,
    /// How many tasks the parts before have.
    pub from: u64,
    /// How many tasks all parts have together.
    pub of: u64,
    /// With the last part: the tasks that any of the sweep's tasks read and that it doesn't list.
    pub unlisted: Vec<TaskId>,
}

impl LaunchPart {
    /// All of a sweep as one part.
    pub fn whole(launch: Launch) -> Self {
        let of = launch.tasks.len() as u64;
        let unlisted = launch.tasks.iter().flat_map(|task| task.spec.inputs.values().copied()).collect();
        Self { launch, from: 0, of, unlisted }
    }
}

/// A task of a launched sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchTask {
    /// The task's id.
    pub id: TaskId,
    /// The experiment within the sweep.
    pub experiment: String,
    /// The spec, as canonical JSON ([`TaskSpec::canonical`]): the ledger stores and hands out these bytes.
    pub spec: TaskSpec,
}

/// The tasks of a launch, or of a part of it, by how the ledger knew them before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LaunchCounts {
    /// Tasks new to the ledger.
    pub new: u64,
    /// Tasks that were already committed.
    pub reused: u64,
    /// Tasks that other sweeps had brought, not yet committed.
    pub shared: u64,
}
