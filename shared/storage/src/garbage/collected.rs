//! What a collection of garbage has found, and freed if it was to.

use serde::Serialize;

use super::Space;
use crate::ObjectProblem;

/// The space that is freed, by what took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Freed {
    /// Tasks that no sweep lists: their commits, and all that attempts at them wrote.
    pub tasks: Space,
    /// Attempts at committed tasks that aren't the committed ones.
    pub attempts: Space,
    /// Files of checkpoints in committed attempts.
    pub checkpoints: Space,
    /// Objects that processes left which were killed: staged files, probes, what was kept of sweeps that were never launched.
    pub leftovers: Space,
    /// Contents of data sets that no name means and no sweep reads.
    pub datasets: Space,
}

/// The outcome of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Collected {
    /// The space that was freed, or would be.
    pub freed: Freed,
    /// What nobody needs and stays, since it is too young: somebody may be writing it.
    pub young: Space,
    /// The lists of sweeps that can't be read. While there are any, no task counts as one that no sweep lists.
    pub unreadable: Vec<ObjectProblem>,
    /// Tasks that no sweep lists and that stay, since a note that replaces their commit could replace something else there.
    pub irreplaceable: Space,
    /// The last shard of tasks that was looked at, if there are more.
    pub next_after: Option<u8>,
}

impl Freed {
    /// All of it in bytes.
    pub const fn bytes(&self) -> u64 {
        let Self { tasks, attempts, checkpoints, leftovers, datasets } = self;
        tasks.bytes + attempts.bytes + checkpoints.bytes + leftovers.bytes + datasets.bytes
    }
}

impl Collected {
    /// Adds what the collection has found where it went on.
    pub fn add(&mut self, more: Self) {
        let Self { freed, young, unreadable, irreplaceable, next_after } = more;
        self.freed.tasks += freed.tasks;
        self.freed.attempts += freed.attempts;
        self.freed.checkpoints += freed.checkpoints;
        self.freed.leftovers += freed.leftovers;
        self.freed.datasets += freed.datasets;
        self.young += young;
        self.irreplaceable += irreplaceable;
        // Each part reads them all.
        self.unreadable.extend(unreadable);
        self.unreadable.sort();
        self.unreadable.dedup();
        self.next_after = next_after;
    }
}
