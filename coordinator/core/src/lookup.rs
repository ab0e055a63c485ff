//! Read-only queries that stay short however much there is: answered by an index, or a page at a time.

use std::collections::BTreeSet;
use std::ops::Bound;

use basin_domain::digest::Digest;
use basin_domain::id::{SweepId, TaskId, WorkerId};
use basin_domain::time::Timestamp;

use crate::Ledger;
use crate::command::Progress;
use crate::ledger::queue::{DelayedTask, Rank};
use crate::ledger::state::TaskIndex;
use crate::view::{ListedTask, SweepView, TaskView, WorkerView};

impl Ledger {
    /// The tasks whose ids begin with these hexadecimal digits, in order; no more than `most`.
    pub fn tasks_beginning_with(&self, digits: &str, most: usize) -> Vec<TaskId> {
        let padded = |with: &str| {
            let rest = 64_usize.checked_sub(digits.len())?;
            format!("{digits}{}", with.repeat(rest)).parse::<Digest>().ok().map(TaskId)
        };
        let (Some(first), Some(last)) = (padded("0"), padded("f")) else { return Vec::new() };
        self.index.tasks.range(first..=last).take(most).map(|(id, _)| *id).collect()
    }

    /// A page of all tasks, by id: those after `after`.
    pub fn page_of_tasks(&self, after: Option<TaskId>, most: usize) -> Vec<TaskId> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.index.tasks.range((from, Bound::Unbounded)).take(most).map(|(id, _)| *id).collect()
    }

    /// The contents of data sets that its tasks read.
    pub fn datasets(&self) -> BTreeSet<Digest> {
        let read = self.state.shapes.iter().filter_map(|shape| shape.spec.data.as_ref());
        read.map(|dataset| dataset.digest).collect()
    }

    /// How far the tasks are that a worker has, as it said last.
    pub fn progress_of<'a>(&'a self, worker: &WorkerId) -> impl Iterator<Item = &'a Progress> + use<'a> {
        let leases = self.index.held.get(worker).into_iter().flatten();
        let tasks = leases.flat_map(|lease| &self.state.leases[lease].tasks);
        tasks.filter_map(|task| self.progress.get(task))
    }

    /// The training examples a second that a worker's tasks take together, as far as it said so last; none if it holds nothing any
    /// more, or its process has ended.
    pub fn examples_per_second(&self, worker: &WorkerView<'_>) -> Option<f64> {
        let heartbeat = self.heartbeats.get(worker.id).filter(|_| worker.leases > 0 && !worker.exited);
        heartbeat?.examples_per_second
    }

    /// Whether anything is under a lease: somebody may be working.
    pub fn has_leases(&self) -> bool {
        !self.state.leases.is_empty()
    }

    /// The sweeps whose ids begin so, in the order of their ids; no more than `most`.
    pub fn sweeps_beginning_with(&self, text: &str, most: usize) -> Vec<SweepId> {
        let from = match SweepId::new(text) {
            Ok(id) => Bound::Included(id),
            Err(_) if text.is_empty() => Bound::Unbounded,
            // No id begins with what can't be the beginning of one.
            Err(_) => return Vec::new(),
        };
        let sweeps = self.index.sweeps.range((from, Bound::Unbounded));
        let fitting = sweeps.take_while(|(id, _)| id.as_str().starts_with(text));
        let launched = fitting.filter(|(_, sweep)| self.state.sweep(**sweep).is_launched());
        launched.take(most).map(|(id, _)| id.clone()).collect()
    }

    /// A page of all sweeps, in the order of their launches, and where the next one begins, if there is another.
    pub fn page_of_sweeps(&self, from: usize, most: usize) -> (Vec<SweepView<'_>>, Option<usize>) {
        let end = from.saturating_add(most).min(self.state.sweeps.len());
        let page = self
            .sweeps_from(from)
            .take_while(|sweep| self.find_sweep(sweep.id).is_some_and(|number| number.get() < end));
        (page.collect(), (end < self.state.sweeps.len()).then_some(end))
    }

    /// Every worker that [`Ledger::workers`] names and whose id comes in this range.
    pub(crate) fn workers_from(&self, from: Bound<&WorkerId>) -> impl Iterator<Item = WorkerView<'_>> {
        let range = (from.cloned(), Bound::Unbounded);
        let mut heard = self.heartbeats.range(range.clone()).map(|(id, _)| id).peekable();
        let mut holding = self.index.held.range(range.clone()).map(|(id, _)| id).peekable();
        let mut remembered = self.state.workers.range(range).map(|(id, _)| id).peekable();
        std::iter::from_fn(move || {
            let first =
                [heard.peek(), holding.peek(), remembered.peek()].into_iter().flatten().min().copied()?;
            heard.next_if_eq(&first);
            holding.next_if_eq(&first);
            remembered.next_if_eq(&first);
            Some(self.worker_view(first))
        })
    }

    /// A page of all workers, by id: those after `after`.
    pub fn page_of_workers(&self, after: Option<&WorkerId>, most: usize) -> Vec<WorkerView<'_>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.workers_from(from).take(most).collect()
    }

    /// The workers whose ids begin so, in the order of their ids; no more than `most`.
    pub fn workers_beginning_with(&self, text: &str, most: usize) -> Vec<WorkerId> {
        let Ok(from) = WorkerId::new(text) else { return Vec::new() };
        let fitting = self.workers_from(Bound::Included(&from)).map(|worker| worker.id.clone());
        fitting.take_while(|id| id.as_str().starts_with(text)).take(most).collect()
    }

    /// A page of a sweep's tasks, in the order of its file: those from this position on, no more than `most`; none if there is no such
    /// sweep.
    pub fn page_of_sweep(&self, id: &SweepId, from: usize, most: usize) -> Option<Vec<ListedTask<'_>>> {
        let sweep = self.state.sweep(self.find_launched(id)?);
        let page = sweep.entries.iter().skip(from).take(most).map(|entry| ListedTask {
            id: self.state.task(entry.task).id,
            experiment: &sweep.experiments[entry.experiment as usize],
            phase: self.index.links(entry.task).phase,
        });
        Some(page.collect())
    }

    /// Whether the task is one of a sweep that goes on, or ended later than that.
    pub fn is_of_sweep_after(&self, task: &TaskId, time: Timestamp) -> bool {
        let Some(task) = self.find_task(task) else { return false };
        let memberships = &self.index.links(task).memberships;
        memberships.iter().any(|it| self.state.sweep(it.sweep).finished_at.is_none_or(|at| at > time))
    }

    /// The tasks of a sweep that are under a lease, each with its experiment, in the order of the sweep's file.
    pub fn leased_of(&self, id: &SweepId) -> impl Iterator<Item = (TaskView<'_>, &str)> {
        let sweep = self.find_launched(id);
        let tasks = sweep.into_iter().flat_map(|sweep| &self.index.tallies[sweep.get()].leased);
        tasks.map(move |entry| self.entry_view(id, *entry))
    }

    /// The tasks of a sweep that failed, likewise.
    pub fn failed_of(&self, id: &SweepId) -> impl Iterator<Item = (TaskView<'_>, &str)> {
        let sweep = self.find_launched(id);
        let tasks = sweep.into_iter().flat_map(|sweep| &self.index.tallies[sweep.get()].failed);
        tasks.map(move |entry| self.entry_view(id, *entry))
    }

    fn entry_view(&self, id: &SweepId, (position, task): (u32, TaskIndex)) -> (TaskView<'_>, &str) {
        let sweep = self.find_sweep(id).expect("a sweep with entries is there");
        let sweep = self.state.sweep(sweep);
        let experiment = sweep.entries[position as usize].experiment;
        (self.task_view(task), sweep.experiments[experiment as usize].as_str())
    }

    /// When something next happens by itself, after now: a lease ends, or a task may be tried again.
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let lease = self.index.expiries.first().map(|(end, _)| *end).filter(|end| *end > now);
        let not_before = Timestamp(now.0.saturating_add(1));
        let first = DelayedTask { not_before, rank: Rank::FIRST, task: TaskIndex::next(0) };
        let queues = self.index.queues.waiting().map(|sweep| self.index.queues.of(sweep));
        let retries = queues.filter_map(|queue| queue.delayed.range(first..).next());
        lease.into_iter().chain(retries.map(|delayed| delayed.not_before)).min()
    }
}
