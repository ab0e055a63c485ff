//! The faults, in words, and what they may cost.

use std::fmt;

use basin_tests::{Fault as StoreFault, Passage};

/// A process of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Worker(usize),
    Coordinator(usize),
}

/// A way that bytes take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// From one worker to a coordinator, or from all that share this way.
    Coordinator {
        worker: Option<usize>,
        coordinator: usize,
    },
    Store(Who),
    /// From a coordinator.
    Database(usize),
}

/// A disk of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Disk {
    Store,
    /// That with a worker's scratch folder.
    Scratch(usize),
    /// That with the coordinator's journal.
    Journal,
}

/// Bytes that can be damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Block {
    /// Of a worker's cached data sets.
    Cached(usize),
    /// Of files that a worker's executor has written and its agent not yet taken.
    Staged(usize),
    /// Of checkpoints in the store.
    Checkpoint,
    /// Of what is committed in the store.
    Committed,
}

/// Something that goes wrong. A `place` is a share of what there is: of a list of files, of a file's length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    /// Its process alone dies, and its witness tells.
    KillWorker(usize),
    /// It dies with all that it started: nobody tells.
    KillMachine(usize),
    KillExecutor(usize),
    StopWorker(usize),
    StopExecutor(usize),
    /// It is asked to leave.
    Preempt(usize),
    KillCoordinator(usize),
    StopCoordinator(usize),
    Cut(Way, Passage),
    StoreAnswers(StoreFault),
    KillStore,
    FillDisk(Disk),
    /// The store's disk can't be written.
    ReadOnly,
    /// By as many seconds.
    StepClock(Who, i64),
    /// The coordinator dies, and its journal is cut off.
    CutJournal {
        place: f64,
    },
    /// The coordinator dies, and a byte of its journal's is another.
    DamageJournal {
        place: f64,
    },
    Damage(Block, f64),
}

/// Things of which one fault at a time is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Process(Who),
    Way(Way),
    Store,
    Disk(Disk),
    Clock(Who),
    Blocks,
}

impl Fault {
    /// A word for each kind.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::KillWorker(_) => "workers killed",
            Self::KillMachine(_) => "workers killed with all their processes",
            Self::KillExecutor(_) => "executors killed",
            Self::StopWorker(_) => "workers stopped",
            Self::StopExecutor(_) => "executors stopped",
            Self::Preempt(_) => "workers asked to leave",
            Self::KillCoordinator(_) => "coordinators killed",
            Self::StopCoordinator(_) => "coordinators stopped",
            Self::Cut(Way::Coordinator { .. }, _) => "ways to a coordinator cut",
            Self::Cut(Way::Store(_), _) => "ways to the store cut",
            Self::Cut(Way::Database(_), _) => "ways to the database cut",
            Self::StoreAnswers(_) => "stores that refused",
            Self::KillStore => "stores killed",
            Self::FillDisk(_) => "disks filled",
            Self::ReadOnly => "stores that could only be read",
            Self::StepClock(..) => "clocks stepped",
            Self::CutJournal { .. } => "journals cut off",
            Self::DamageJournal { .. } => "journals damaged",
            Self::Damage(Block::Cached(_), _) => "cached data sets damaged",
            Self::Damage(Block::Staged(_), _) => "staged files damaged",
            Self::Damage(Block::Checkpoint, _) => "checkpoints damaged",
            Self::Damage(Block::Committed, _) => "committed objects damaged",
        }
    }

    pub(crate) const fn target(&self) -> Target {
        match self {
            Self::KillWorker(worker)
            | Self::KillMachine(worker)
            | Self::KillExecutor(worker)
            | Self::StopWorker(worker)
            | Self::StopExecutor(worker)
            | Self::Preempt(worker) => Target::Process(Who::Worker(*worker)),
            Self::KillCoordinator(coordinator) | Self::StopCoordinator(coordinator) => {
                Target::Process(Who::Coordinator(*coordinator))
            }
            // The journal's disk may end the coordinator, too.
            Self::CutJournal { .. } | Self::DamageJournal { .. } | Self::FillDisk(Disk::Journal) => {
                Target::Process(Who::Coordinator(0))
            }
            Self::Cut(way, _) => Target::Way(*way),
            Self::StoreAnswers(_) | Self::KillStore => Target::Store,
            Self::ReadOnly => Target::Disk(Disk::Store),
            Self::FillDisk(disk) => Target::Disk(*disk),
            Self::StepClock(who, _) => Target::Clock(*who),
            Self::Damage(..) => Target::Blocks,
        }
    }

    /// The causes of which it may charge attempts.
    pub(crate) const fn charges(&self) -> &'static [&'static str] {
        match self {
            Self::KillWorker(_)
            | Self::KillMachine(_)
            | Self::StopWorker(_)
            | Self::KillCoordinator(_)
            | Self::StopCoordinator(_)
            | Self::CutJournal { .. }
            | Self::DamageJournal { .. }
            | Self::FillDisk(Disk::Journal)
            | Self::Cut(Way::Coordinator { .. } | Way::Database(_), _) => &["worker-lost"],
            // A coordinator that starts anew waits for the store first; a lease may run out meanwhile.
            Self::Cut(Way::Store(Who::Coordinator(_)), _)
            | Self::StoreAnswers(_)
            | Self::KillStore
            | Self::StepClock(..) => &["worker-lost"],
            Self::KillExecutor(_) => &["crashed"],
            Self::StopExecutor(_) => &["hung"],
            Self::Damage(Block::Staged(_), _) => &["storage"],
            Self::Damage(Block::Committed, _) => &["damaged"],
            Self::Preempt(_)
            | Self::Cut(Way::Store(Who::Worker(_)), _)
            | Self::FillDisk(_)
            | Self::ReadOnly
            | Self::Damage(Block::Cached(_) | Block::Checkpoint, _) => &[],
        }
    }

    /// Whether what was acknowledged may be gone afterwards, so that the sweep has to be launched again.
    pub(crate) const fn takes_history(&self) -> bool {
        matches!(self, Self::CutJournal { .. } | Self::DamageJournal { .. })
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(number) => write!(f, "worker-{number}"),
            Self::Coordinator(number) => write!(f, "coordinator-{number}"),
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coordinator { worker: Some(worker), coordinator } => {
                write!(f, "worker-{worker} to coordinator-{coordinator}")
            }
            Self::Coordinator { worker: None, coordinator } => {
                write!(f, "all to coordinator-{coordinator}")
            }
            Self::Store(who) => write!(f, "{who} to the store"),
            Self::Database(coordinator) => write!(f, "coordinator-{coordinator} to the database"),
        }
    }
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store => f.write_str("the store's disk"),
            Self::Scratch(worker) => write!(f, "the scratch disk of worker-{worker}"),
            Self::Journal => f.write_str("the journal's disk"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillWorker(worker) => write!(f, "kill -9 worker-{worker}"),
            Self::KillMachine(worker) => write!(f, "kill -9 worker-{worker} and all its processes"),
            Self::KillExecutor(worker) => write!(f, "kill -9 an executor of worker-{worker}"),
            Self::StopWorker(worker) => write!(f, "kill -STOP worker-{worker}"),
            Self::StopExecutor(worker) => write!(f, "kill -STOP the executors of worker-{worker}"),
            Self::Preempt(worker) => write!(f, "kill -TERM worker-{worker}"),
            Self::KillCoordinator(number) => write!(f, "kill -9 coordinator-{number}"),
            Self::StopCoordinator(number) => write!(f, "kill -STOP coordinator-{number}"),
            Self::Cut(way, passage) => write!(f, "{way}: {passage:?}"),
            Self::StoreAnswers(answer) => write!(f, "the store: {answer:?}"),
            Self::KillStore => f.write_str("the store is killed"),
            Self::FillDisk(disk) => write!(f, "{disk} is full"),
            Self::ReadOnly => f.write_str("the store's disk can only be read"),
            Self::StepClock(who, by) => write!(f, "the clock of {who} is set by {by:+} s"),
            Self::CutJournal { place } => {
                write!(f, "kill -9 coordinator-0, its journal cut off at {place:.3}")
            }
            Self::DamageJournal { place } => {
                write!(f, "kill -9 coordinator-0, a byte of its journal changed at {place:.3}")
            }
            Self::Damage(Block::Cached(worker), _) => {
                write!(f, "a byte changed of a data set that worker-{worker} has cached")
            }
            Self::Damage(Block::Staged(worker), _) => {
                write!(f, "a byte changed of a file that worker-{worker} has staged")
            }
            Self::Damage(Block::Checkpoint, _) => f.write_str("a byte changed of a checkpoint"),
            Self::Damage(Block::Committed, _) => f.write_str("a byte changed of something committed"),
        }
    }
}
