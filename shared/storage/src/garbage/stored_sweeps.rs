//! The sweeps of a store, as far as they were read: what they need, and which of them can't be read.

use std::collections::BTreeSet;

use basin_domain::digest::Digest;
use basin_domain::id::SweepId;
use basin_domain::key;
use basin_domain::task::Task;
use futures::{StreamExt, TryStreamExt};

use super::Needed;
use crate::dated_object::DatedObject;
use crate::{ObjectProblem, Result, StorageError, Store};

/// Sweeps that are read at once: a large one's list has many tasks.
const CONCURRENT: usize = 4;

/// The sweeps of a store.
#[derive(Debug, Default)]
pub(super) struct StoredSweeps {
    needed: Needed,
    /// Those that were read. What they list never changes.
    read: BTreeSet<SweepId>,
    /// Why others couldn't be.
    unreadable: Vec<ObjectProblem>,
    /// Those without a record that nobody has written to of late: their launch was never finished, or they were removed by half.
    abandoned: Vec<SweepId>,
}

/// A sweep as it was found.
enum Found {
    /// It was launched.
    Launched {
        tasks: Vec<Task>,
        datasets: Vec<Digest>,
    },
    /// It has no record yet.
    BeingLaunched {
        tasks: Vec<Task>,
    },
    Abandoned,
    Unreadable(ObjectProblem),
}

impl StoredSweeps {
    /// Nothing was read yet; this is needed in any case.
    pub(super) fn new(known: Needed) -> Self {
        Self { needed: known, ..Self::default() }
    }

    /// Reads those that weren't read yet. Without a record, one of which nothing was written after `oldest_unix_ms` is abandoned.
    pub(super) async fn refresh(&mut self, store: &Store, oldest_unix_ms: u64) -> Result<()> {
        let folders = store.sweep_folders().await?;
        let unread: Vec<SweepId> = folders.into_iter().filter(|id| !self.read.contains(id)).collect();
        self.unreadable.clear();
        self.abandoned.clear();
        let mut looks = futures::stream::iter(unread)
            .map(|id| async move { look(store, &id, oldest_unix_ms).await.map(|found| (id, found)) })
            .buffered(CONCURRENT);
        while let Some((id, found)) = looks.try_next().await? {
            match found {
                Found::Launched { tasks, datasets } => {
                    self.add(&tasks);
                    self.needed.datasets.extend(datasets);
                    self.read.insert(id);
                }
                Found::BeingLaunched { tasks } => self.add(&tasks),
                Found::Abandoned => self.abandoned.push(id),
                Found::Unreadable(problem) => self.unreadable.push(problem),
            }
        }
        Ok(())
    }

    fn add(&mut self, tasks: &[Task]) {
        tasks.iter().for_each(|task| self.needed.add(task.id, &task.spec));
    }

    /// What is needed; nothing is said while there are sweeps that can't be read.
    pub(super) fn needed(&self) -> Option<&Needed> {
        self.unreadable.is_empty().then_some(&self.needed)
    }

    /// Whether a sweep may read these contents of a data set.
    pub(super) fn needs_contents(&self, digest: &Digest) -> bool {
        self.needed().is_none_or(|needed| needed.datasets.contains(digest))
    }

    /// The abandoned ones.
    pub(super) fn abandoned(&self) -> &[SweepId] {
        &self.abandoned
    }

    /// The defects of those that can't be read.
    pub(super) fn unreadable(&self) -> &[ObjectProblem] {
        &self.unreadable
    }
}

async fn look(store: &Store, id: &SweepId, oldest_unix_ms: u64) -> Result<Found> {
    let record = match store.read_sweep(id).await {
        Ok(record) => Some(record),
        Err(StorageError::NotFound { .. }) => None,
        Err(StorageError::Corrupt { key, why, .. }) => {
            return Ok(Found::Unreadable(ObjectProblem { key, why }));
        }
        Err(error) => return Err(error),
    };
    if record.is_none() && is_older(&store.list_dated(&key::sweep(id)).await?, oldest_unix_ms) {
        return Ok(Found::Abandoned);
    }
    let tasks = match store.read_tasks(id).await {
        Ok(tasks) => tasks,
        // Its list comes first; what is listed nowhere is needed by nobody yet.
        Err(StorageError::NotFound { .. }) if record.is_none() => Vec::new(),
        Err(StorageError::NotFound { key, .. }) => {
            return Ok(Found::Unreadable(ObjectProblem { key, why: "it is missing".to_owned() }));
        }
        Err(StorageError::Corrupt { key, why, .. }) => {
            return Ok(Found::Unreadable(ObjectProblem { key, why }));
        }
        Err(error) => return Err(error),
    };
    Ok(match record {
        Some(record) => Found::Launched { tasks, datasets: record.datasets.into_values().collect() },
        None => Found::BeingLaunched { tasks },
    })
}

/// Whether none of the objects was written after this.
pub(super) fn is_older(objects: &[DatedObject], oldest_unix_ms: u64) -> bool {
    objects.iter().all(|object| object.modified_unix_ms <= oldest_unix_ms)
}
