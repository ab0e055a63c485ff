//! The objects of a task by what they are there, and which of them are garbage: decided without a look at the store.

use std::collections::{BTreeMap, HashMap};

use basin_domain::id::{Attempt, LeaseId, TaskId};
use basin_domain::key::{self, TaskObject};

use super::stored_sweeps::is_older;
use super::{Needed, Space};
use crate::dated_object::DatedObject;

/// The folder of an attempt, by its number and lease.
pub(super) type AttemptId = (Attempt, LeaseId);

/// The objects of a task, as a listing has them. What isn't Basin's isn't among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct TaskObjects {
    /// What lies in the commit's place.
    pub(super) commit: Option<DatedObject>,
    pub(super) attempts: BTreeMap<AttemptId, Vec<DatedObject>>,
    /// What lay in the commit's place until it was withdrawn.
    pub(super) withdrawn: Vec<DatedObject>,
}

/// By which rules something is garbage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// What is needed; none where that isn't known of all sweeps, so that every task may be.
    pub(super) needed: Option<&'a Needed>,
    /// What was written after this stays: somebody may be writing it.
    pub(super) oldest_unix_ms: u64,
    /// Whether a note stays in the place of a commit that is freed, so that a task of which nothing else is left has nothing to
    /// free.
    pub(super) leaves_notes: bool,
}

/// The garbage among some tasks' objects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct TaskGarbage {
    /// Tasks that no sweep lists.
    pub(super) tasks: Vec<(TaskId, TaskObjects)>,
    /// Attempts at committed tasks that aren't the committed ones.
    pub(super) attempts: Vec<Vec<DatedObject>>,
    /// Files of checkpoints in committed attempts.
    pub(super) checkpoints: Vec<DatedObject>,
    /// What would be garbage if it were older.
    pub(super) young: Space,
}

impl Rules<'_> {
    /// Whether a sweep may need the task.
    pub(super) fn needs(&self, task: &TaskId) -> bool {
        self.needed.is_none_or(|needed| needed.tasks.contains(task))
    }

    fn is_old(&self, objects: &[DatedObject]) -> bool {
        is_older(objects, self.oldest_unix_ms)
    }
}

impl TaskObjects {
    /// The objects of a listing by their tasks.
    pub(super) fn by_task(listing: Vec<DatedObject>) -> BTreeMap<TaskId, Self> {
        let mut tasks: BTreeMap<TaskId, Self> = BTreeMap::new();
        for object in listing {
            let Some((task, what)) = key::task_object(&object.key) else { continue };
            let of = tasks.entry(task).or_default();
            match what {
                TaskObject::Commit => of.commit = Some(object),
                TaskObject::OfAttempt { number, lease, name: _ } => {
                    of.attempts.entry((number, lease)).or_default().push(object);
                }
                TaskObject::Withdrawn(_) => of.withdrawn.push(object),
            }
        }
        tasks
    }

    /// Whether something of it may be garbage though its task is needed: then its commit tells.
    pub(super) fn may_have_garbage(&self) -> bool {
        let mut objects = self.attempts.values().flatten();
        self.commit.is_some() && (self.attempts.len() > 1 || objects.any(is_of_checkpoint))
    }

    /// The bytes that are freed with the task.
    pub(super) fn freed_bytes(&self, leaves_notes: bool) -> u64 {
        let Self { commit, attempts, withdrawn } = self;
        let written = bytes_of(attempts.values().flatten());
        if leaves_notes { written } else { written + bytes_of(commit.iter().chain(withdrawn)) }
    }

    /// Adds the garbage of a task that is committed by this attempt.
    fn add_beside(&self, committed: &AttemptId, rules: &Rules<'_>, garbage: &mut TaskGarbage) {
        for (attempt, objects) in &self.attempts {
            if attempt != committed {
                match rules.is_old(objects) {
                    true => garbage.attempts.push(objects.clone()),
                    false => garbage.young += Space::of_one(bytes_of(objects)),
                }
                continue;
            }
            for checkpoint in objects.iter().filter(|object| is_of_checkpoint(object)) {
                match rules.is_old(std::slice::from_ref(checkpoint)) {
                    true => garbage.checkpoints.push(checkpoint.clone()),
                    false => garbage.young += Space::of_one(checkpoint.size),
                }
            }
        }
    }

    /// Whether nobody has written to it of late. A commit is written when its attempt's objects are, and is no younger.
    fn is_old(&self, rules: &Rules<'_>) -> bool {
        self.attempts.values().all(|objects| rules.is_old(objects)) && rules.is_old(&self.withdrawn)
    }
}

impl TaskGarbage {
    /// The garbage among these tasks' objects. `committed` says which attempts count; of a task without one all is needed, its
    /// checkpoints above all, if a sweep lists it.
    pub(super) fn among(
        tasks: BTreeMap<TaskId, TaskObjects>,
        committed: &HashMap<TaskId, AttemptId>,
        rules: &Rules<'_>,
    ) -> Self {
        let mut garbage = Self::default();
        for (task, objects) in tasks {
            if rules.needs(&task) {
                if let Some(committed) = committed.get(&task) {
                    objects.add_beside(committed, rules, &mut garbage);
                }
                continue;
            }
            let was_freed = rules.leaves_notes && objects.attempts.is_empty();
            match objects.is_old(rules) {
                _ if was_freed => {}
                true => garbage.tasks.push((task, objects)),
                false => garbage.young += Space::of_one(objects.freed_bytes(rules.leaves_notes)),
            }
        }
        garbage
    }
}

fn is_of_checkpoint(object: &DatedObject) -> bool {
    object.key.rsplit('/').next().is_some_and(key::is_of_checkpoint)
}

/// The bytes of objects.
pub(super) fn bytes_of<'a>(objects: impl IntoIterator<Item = &'a DatedObject>) -> u64 {
    objects.into_iter().map(|object| object.size).sum()
}

#[cfg(test)]
mod tests;
