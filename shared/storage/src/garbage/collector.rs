//! One collection: the tasks shard by shard, what is garbage of them, and that being freed.

use std::collections::HashMap;
use std::time::Duration;

use basin_domain::id::TaskId;
use basin_domain::key;
use futures::{StreamExt, TryStreamExt};

use super::announcement::{Announced, unix_ms};
use super::free_task::free_task;
use super::removal::remove;
use super::stored_sweeps::StoredSweeps;
use super::task_objects::{AttemptId, Rules, TaskGarbage, TaskObjects, bytes_of};
use super::{Collected, GarbageCollection, Needed, OtherWriters, Space};
use crate::dated_object::DatedObject;
use crate::{CommitMode, Result, Store};

/// Tasks that are freed at once; between them is looked whether the announcement lasts.
const FREED_AT_ONCE: usize = 16;
/// What processes leave that are killed may be of one that lives for at least so long, whoever is kept out: probes, imports and
/// staged files are written without anybody's leave.
const YOUNGEST_LEFTOVER: Duration = Duration::from_secs(60 * 60);

/// A collection that is under way.
pub(super) struct Collector<'a> {
    pub(super) store: &'a Store,
    pub(super) collection: GarbageCollection,
    pub(super) sweeps: StoredSweeps,
    pub(super) collected: Collected,
    /// What tasks' objects were written after stays.
    oldest_unix_ms: u64,
    /// What leftovers were written after stays.
    pub(super) oldest_leftover_unix_ms: u64,
    /// How long nobody has written to what is left over.
    pub(super) leftover_age: Duration,
    /// Whether the store replaces an object only where it is still the one that was read, once it was asked.
    replaces: Option<bool>,
}

impl<'a> Collector<'a> {
    /// Reads what is needed.
    pub(super) async fn begin(
        store: &'a Store,
        collection: GarbageCollection,
        known: Needed,
    ) -> Result<Self> {
        let before =
            |age: Duration| unix_ms().saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        let (oldest_unix_ms, leftover_age) = match collection.other_writers {
            OtherWriters::None => (u64::MAX, YOUNGEST_LEFTOVER),
            OtherWriters::Possible { grace } => (before(grace), grace.max(YOUNGEST_LEFTOVER)),
        };
        let mut collector = Self {
            store,
            collection,
            sweeps: StoredSweeps::new(known),
            collected: Collected::default(),
            oldest_unix_ms,
            oldest_leftover_unix_ms: before(leftover_age),
            leftover_age,
            replaces: None,
        };
        collector.refresh().await?;
        Ok(collector)
    }

    /// What was found, with the last shard that was looked at if there are more.
    pub(super) fn collected(self, next_after: Option<u8>) -> Collected {
        Collected { unreadable: self.sweeps.unreadable().to_vec(), next_after, ..self.collected }
    }

    /// Reads the sweeps that have come since.
    pub(super) async fn refresh(&mut self) -> Result<()> {
        self.sweeps.refresh(self.store, self.oldest_leftover_unix_ms).await
    }

    fn leaves_notes(&self) -> bool {
        self.collection.other_writers != OtherWriters::None
    }

    fn rules(&self) -> Rules<'_> {
        Rules {
            needed: self.sweeps.needed(),
            oldest_unix_ms: self.oldest_unix_ms,
            leaves_notes: self.leaves_notes(),
        }
    }

    /// Collects what is garbage of the tasks whose ids begin with this byte.
    pub(super) async fn collect_shard(&mut self, first: u8) -> Result<()> {
        let tasks = TaskObjects::by_task(self.store.list_dated(&key::shard(first)).await?);
        let asked: Vec<TaskId> = {
            let rules = self.rules();
            let asked =
                tasks.iter().filter(|(task, objects)| rules.needs(task) && objects.may_have_garbage());
            asked.map(|(task, _)| *task).collect()
        };
        // After the listing: what counts now is none of what was beside it then.
        let commits = self.store.find_commits(&asked).await?.commits;
        let committed: HashMap<TaskId, AttemptId> =
            commits.into_iter().map(|(task, commit)| (task, (commit.attempt, commit.lease))).collect();
        let garbage = TaskGarbage::among(tasks, &committed, &self.rules());
        self.collected.young += garbage.young;
        for attempt in garbage.attempts {
            self.free_objects(&attempt).await?;
            self.collected.freed.attempts += Space::of_one(bytes_of(&attempt));
        }
        self.free_objects(&garbage.checkpoints).await?;
        for checkpoint in &garbage.checkpoints {
            self.collected.freed.checkpoints += Space::of_one(checkpoint.size);
        }
        self.free_tasks(garbage.tasks).await
    }

    /// Removes objects of attempts, and folders in which nothing is left.
    async fn free_objects(&self, objects: &[DatedObject]) -> Result<()> {
        if self.collection.is_dry_run {
            return Ok(());
        }
        remove(self.store, objects).await?;
        match objects.first().and_then(|object| object.key.rsplit_once('/')) {
            Some((folder, _)) => self.store.remove_empty_folders(folder).await,
            None => Ok(()),
        }
    }

    /// Frees tasks that no sweep lists, as long as none does: the sweeps are read again each time that a collection was announced.
    async fn free_tasks(&mut self, tasks: Vec<(TaskId, TaskObjects)>) -> Result<()> {
        let leaves_notes = self.leaves_notes();
        let space_of =
            |(_, objects): &(TaskId, TaskObjects)| Space::of_one(objects.freed_bytes(leaves_notes));
        if self.collection.is_dry_run {
            tasks.iter().for_each(|task| self.collected.freed.tasks += space_of(task));
            return Ok(());
        }
        if tasks.is_empty() {
            return Ok(());
        }
        let Some(mode) = self.commit_mode().await? else {
            tasks.iter().for_each(|task| self.collected.irreplaceable += space_of(task));
            return Ok(());
        };
        let mut left = tasks.into_iter();
        while left.len() > 0 {
            let announced = self.store.announce_collection(mode).await?;
            let freed = self.free_announced(&announced, mode, &mut left).await;
            announced.end().await?;
            freed?;
        }
        Ok(())
    }

    async fn free_announced(
        &mut self,
        announced: &Announced<'_>,
        mode: CommitMode,
        left: &mut std::vec::IntoIter<(TaskId, TaskObjects)>,
    ) -> Result<()> {
        // Whoever launches a sweep that isn't there by now looks again at what it has found.
        self.refresh().await?;
        while announced.lasts() && left.len() > 0 {
            let mut some: Vec<_> = left.by_ref().take(FREED_AT_ONCE).collect();
            some.retain(|(task, _)| !self.rules().needs(task));
            let (store, leaves_notes) = (self.store, self.leaves_notes());
            let note = leaves_notes.then_some(mode);
            let mut freed = futures::stream::iter(some)
                .map(|(task, objects)| async move {
                    let is_freed = free_task(store, note, task, &objects).await?;
                    Ok::<_, crate::StorageError>(is_freed.then(|| objects.freed_bytes(leaves_notes)))
                })
                .buffer_unordered(FREED_AT_ONCE);
            while let Some(bytes) = freed.try_next().await? {
                if let Some(bytes) = bytes {
                    self.collected.freed.tasks += Space::of_one(bytes);
                }
            }
        }
        Ok(())
    }

    /// How announcements, and notes in commits' places, are written; none where they could take the place of anything but what was
    /// read there.
    pub(super) async fn commit_mode(&mut self) -> Result<Option<CommitMode>> {
        if self.collection.commits == Some(CommitMode::Conditional) && self.replaces.is_none() {
            self.replaces = Some(self.store.replaces_under_condition().await?);
        }
        Ok(self.collection.commits.filter(|_| self.replaces != Some(false)))
    }
}
