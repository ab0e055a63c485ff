//! The ends of attempts: what is trained is committed to a store that fails now and then.

use basin_core::command::CommitRecord;
use basin_domain::digest::Digest;
use basin_domain::failure::{Failure, FailureKind};
use basin_domain::id::{Attempt, LeaseId, TaskId};
use basin_domain::metrics::Outcome;
use basin_worker::agent::reactor::{AttemptOutcome, Message};

use crate::checks::BrokenPromise;
use crate::plan::Fate;
use crate::world::{SimEvent, World};

/// How often a commit is put before the attempt fails.
const TRIES: u32 = 5;

impl World {
    /// An attempt has ended.
    fn attempt_ends(
        &mut self,
        number: usize,
        lease: &LeaseId,
        task: TaskId,
        outcome: AttemptOutcome,
    ) -> Result<(), BrokenPromise> {
        self.workers[number].running.remove(&(lease.clone(), task));
        self.worker_handles(number, Message::AttemptEnded { lease: lease.clone(), task, outcome })
    }

    fn still_runs(&self, number: usize, life: u32, lease: &LeaseId, task: TaskId) -> bool {
        let worker = &self.workers[number];
        worker.lives(life) && worker.runs(Some(lease), Some(task))
    }

    fn fail(
        &mut self,
        number: usize,
        lease: &LeaseId,
        task: TaskId,
        kind: FailureKind,
    ) -> Result<(), BrokenPromise> {
        self.checks.attempt_failed(lease, task, kind);
        let failure = Failure::new(kind, "simulated");
        self.attempt_ends(number, lease, task, AttemptOutcome::Failed(failure))
    }

    /// Creates the commit. Its answer may be lost, with or without the commit, or with one that lands later.
    pub(crate) fn commit_put(
        &mut self,
        number: usize,
        life: u32,
        lease: LeaseId,
        task: TaskId,
        tries: u32,
    ) -> Result<(), BrokenPromise> {
        if !self.still_runs(number, life, &lease, task) {
            return Ok(());
        }
        let commit = self.commit(number, &lease, task);
        let is_known = if self.chance.happens(self.faults.store) {
            match self.chance.between(0, 3) {
                0 => {}
                1 => {
                    self.store.create(&commit);
                }
                _ => {
                    let late = self.chance.between(1, 60_000);
                    self.after(late, SimEvent::PutLands(commit.clone()));
                }
            }
            false
        } else {
            self.store.create(&commit)
        };
        if is_known {
            return self.is_committed(number, &lease, commit);
        }
        self.after(100, SimEvent::ReadBack { worker: number, life, lease, task, tries });
        Ok(())
    }

    /// On anything but Ok: mine, another's, or nobody's?
    pub(crate) fn commit_read_back(
        &mut self,
        number: usize,
        life: u32,
        lease: LeaseId,
        task: TaskId,
        tries: u32,
    ) -> Result<(), BrokenPromise> {
        if !self.still_runs(number, life, &lease, task) {
            return Ok(());
        }
        let is_readable = !self.chance.happens(self.faults.store);
        match self.store.read(&task).cloned().filter(|_| is_readable) {
            Some(found) => {
                if found.lease != lease {
                    self.count("attempts superseded");
                }
                self.is_committed(number, &lease, found)
            }
            // Its own commit was there, and counts no more: this attempt is over.
            None if self.store.has_withdrawn(&task, &lease) => {
                self.attempt_ends(number, &lease, task, AttemptOutcome::Abandoned)
            }
            None if tries < TRIES => {
                self.after(1_000, SimEvent::Put { worker: number, life, lease, task, tries: tries + 1 });
                Ok(())
            }
            None => self.fail(number, &lease, task, FailureKind::Storage),
        }
    }

    fn is_committed(
        &mut self,
        number: usize,
        lease: &LeaseId,
        commit: CommitRecord,
    ) -> Result<(), BrokenPromise> {
        let (task, manifest) = (commit.task, commit.manifest);
        self.workers[number].committed.insert((lease.clone(), task), commit);
        self.attempt_ends(number, lease, task, AttemptOutcome::Committed { manifest })
    }

    fn commit(&self, number: usize, lease: &LeaseId, task: TaskId) -> CommitRecord {
        let running = self.workers[number].running.get(&(lease.clone(), task));
        let attempt = running.map_or(Attempt(0), |running| running.attempt);
        let outcome = match self.plan.fates[&task] {
            Fate::Diverges => Outcome::Diverged { iteration: 7 },
            Fate::Completes | Fate::Flaky | Fate::Invalid | Fate::Poison => Outcome::Completed,
        };
        let manifest = Digest::of(format!("{task} {lease}").as_bytes());
        CommitRecord { task, lease: lease.clone(), attempt, manifest, outcome, digest: None }
    }
}
