//! What the screen asks for, and what it hears.

use basin_coordinator::client::TaskTable;
use basin_proto::v1;

/// What is looked at, and so has to be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Wanted {
    /// The sweep.
    pub(super) sweep: Option<String>,
    /// The tasks whose progress is seen; the first so many with their curves.
    pub(super) tasks: Vec<String>,
    pub(super) curves: u32,
    /// The task whose log is seen.
    pub(super) log: Option<String>,
}

/// Something that was asked for with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    Steer { sweep: String, steering: v1::Steering },
    Drain { worker: String },
}

/// Something that the screen hears.
#[derive(Debug)]
pub(super) enum News {
    /// All sweeps.
    Sweeps(Vec<v1::SweepSummary>),
    /// How the sweep stands that is looked at.
    Sweep(Box<v1::GetSweepReply>),
    /// The tasks of this sweep.
    Tasks { sweep: String, table: TaskTable },
    /// The states of the same tasks.
    States { sweep: String, states: Vec<v1::TaskState> },
    /// The coordinator is of a version that doesn't list tasks.
    NoTasks { sweep: String },
    /// All workers.
    Workers(Vec<v1::WorkerSummary>),
    /// How some tasks are doing.
    Live(Vec<v1::LiveTask>),
    /// Lines of a log.
    Log(v1::GetTaskLogReply),
    /// What came of a request, or why nothing did.
    Answer(String),
    /// A look failed; whoever answered may be back soon, or not.
    Failed { why: String, is_transient: bool },
    /// A look succeeded.
    Answered {
        /// Nobody works on the local state that is looked at.
        is_left: bool,
    },
}
