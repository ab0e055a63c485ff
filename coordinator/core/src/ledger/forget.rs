//! A sweep leaves, and with it the tasks that nobody needs any more.
//!
//! Indices are places in lists. What stays moves up in them, so every index is written anew, and what is derived of the state
//! is built as after a restart: it takes as long, about half a second for 100,000 tasks, and people forget sweeps rarely.

use std::collections::BTreeMap;

use basin_domain::id::{SweepId, TaskId};

use super::Ledger;
use super::index::Index;
use super::state::{JournalledState, ShapeIndex, SweepIndex, TaskIndex};

impl Ledger {
    /// Takes a sweep out.
    pub(super) fn sweep_forgotten(&mut self, id: &SweepId) {
        let sweep = self.find_sweep(id).expect("an event names sweeps that were launched");
        let places = self.state.remove_sweep(sweep, &self.index.tasks);
        let progress = std::mem::take(&mut self.progress).into_iter();
        self.progress = progress.filter_map(|(task, of)| Some((places[task.get()]?, of))).collect();
        self.index = Index::build(&self.state);
    }
}

impl JournalledState {
    /// Takes a sweep out, with the tasks that are needed for it alone; gives the new places of the tasks, by their old ones.
    fn remove_sweep(
        &mut self,
        sweep: SweepIndex,
        by_id: &BTreeMap<TaskId, TaskIndex>,
    ) -> Vec<Option<TaskIndex>> {
        let removed = self.sweeps.remove(sweep.get());
        self.forgotten.insert(removed.id);
        for of in self.leases.values_mut().filter_map(|lease| lease.sweep.as_mut()).filter(|of| **of > sweep)
        {
            *of = SweepIndex::next(of.get() - 1);
        }
        let is_needed = self.needed_tasks(by_id);
        let tasks = compact(&mut self.tasks, &is_needed, TaskIndex::next);
        let place = |task: &mut TaskIndex| {
            *task = tasks[task.get()].expect("what is listed or leased is needed");
        };
        self.sweeps.iter_mut().flat_map(|sweep| &mut sweep.entries).for_each(|entry| place(&mut entry.task));
        self.leases.values_mut().flat_map(|lease| &mut lease.tasks).for_each(place);
        self.drop_unused_shapes();
        tasks
    }

    /// By their places: the tasks that sweeps list, those under leases, and those that any of these read.
    fn needed_tasks(&self, by_id: &BTreeMap<TaskId, TaskIndex>) -> Vec<bool> {
        let mut is_needed = vec![false; self.tasks.len()];
        let listed = self.sweeps.iter().flat_map(|sweep| &sweep.entries).map(|entry| entry.task);
        let leased = self.leases.values().flat_map(|lease| &lease.tasks).copied();
        let mut look: Vec<TaskIndex> = listed.chain(leased).collect();
        while let Some(task) = look.pop() {
            if !std::mem::replace(&mut is_needed[task.get()], true) {
                look.extend(self.shape(task).inputs.values().map(|input| by_id[input]));
            }
        }
        is_needed
    }

    fn drop_unused_shapes(&mut self) {
        let mut is_used = vec![false; self.shapes.len()];
        self.tasks.iter().for_each(|task| is_used[task.shape.get()] = true);
        let shapes = compact(&mut self.shapes, &is_used, ShapeIndex::next);
        for task in &mut self.tasks {
            task.shape = shapes[task.shape.get()].expect("a task's shape is used");
        }
    }
}

/// Drops what isn't kept of a list; gives the new index of everything that is, by its old place.
fn compact<T, I>(list: &mut Vec<T>, is_kept: &[bool], index: impl Fn(usize) -> I) -> Vec<Option<I>> {
    let mut length = 0;
    let places = is_kept.iter().map(|kept| {
        let place = kept.then(|| index(length));
        length += usize::from(*kept);
        place
    });
    let places = places.collect();
    let mut is_kept = is_kept.iter();
    list.retain(|_| *is_kept.next().expect("each of the list is kept or not"));
    places
}
