//! The settings on which an agent's decisions depend.

use std::time::Duration;

/// The settings of a reactor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReactorSettings {
    /// Executors.
    pub slots: u32,
    /// Threads of each executor: as many of its tasks train at once.
    pub threads: u32,
    /// The most tasks that a lease may have.
    pub pack: u32,
    /// How often a running task's checkpoint goes into the store.
    pub checkpoint_every: Duration,
    /// How long the worker stays without work; for ever if none.
    pub idle_exit: Option<Duration>,
    /// How long the worker may live; it drains before the end.
    pub walltime: Option<Duration>,
    /// How long a drain may take (checkpoints, uploads, releases).
    pub grace: Duration,
    /// How long a worker whose calls are refused waits for a token that isn't.
    pub token_grace: Duration,
}
