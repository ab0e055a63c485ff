//! Commits: a worker reports one, the store has one, or the coordinator decides which one it will write.

use basin_domain::time::Timestamp;

use super::find;
use super::request::{Decided, Decision, Request, done, nothing_to_do};
use crate::Ledger;
use crate::command::{Adopt, CommitDecision, CommitRecord, Complete, DOCUMENT_LIMIT, Refusal, Settled};
use crate::event::Change;
use crate::ledger::state::{Task, TaskIndex, TaskStage};

impl Request for Complete {
    type Reply = Settled;

    /// The commit counts whether or not its lease still lives.
    fn decide(self, ledger: &Ledger, _: Timestamp) -> Decision<Settled> {
        let Self(commit) = self;
        let task = find::task(ledger, commit.task)?;
        let record = ledger.state.task(task);
        let reply = Settled { held: record.stage == TaskStage::Leased(commit.lease.clone()) };
        if record.is_committed() {
            check_recorded(ledger, task, &commit)?;
            return Ok(Decided { changes: Vec::new(), reply });
        }
        check_not_withdrawn(record, &commit)?;
        if !could_have_run(ledger, record, &commit) {
            return Err(Refusal::NotOfThisLease { lease: commit.lease, task: commit.task });
        }
        Ok(Decided { changes: vec![Change::Committed(commit)], reply })
    }
}

impl Request for CommitDecision {
    type Reply = Option<String>;

    /// Once one is decided everybody hears of that one, also who has lost its lease: it may be its own.
    fn decide(self, ledger: &Ledger, _: Timestamp) -> Decision<Option<String>> {
        let unchanged = |reply| Ok(Decided { changes: Vec::new(), reply });
        let task = ledger.state.task(find::task(ledger, self.commit.task)?);
        if task.is_committed() {
            return unchanged(None);
        }
        if let Some(decided) = &task.commit_decision {
            return unchanged(Some(decided.document.clone()));
        }
        let CommitRecord { lease, attempt, task: id, .. } = &self.commit;
        if task.stage != TaskStage::Leased(lease.clone()) || task.attempt() != *attempt {
            return Err(Refusal::NotOfThisLease { lease: lease.clone(), task: *id });
        }
        if self.document.len() > DOCUMENT_LIMIT {
            let (asked, limit) = (self.document.len() as u64, DOCUMENT_LIMIT as u64);
            return Err(Refusal::TooMany { what: "bytes of a commit", asked, limit });
        }
        let reply = Some(self.document.clone());
        Ok(Decided { changes: vec![Change::CommitDecided(self)], reply })
    }
}

impl Request for Adopt {
    type Reply = ();

    fn decide(self, ledger: &Ledger, _: Timestamp) -> Decision<()> {
        let Self(commit) = self;
        let task = find::task(ledger, commit.task)?;
        if ledger.state.task(task).is_committed() {
            check_recorded(ledger, task, &commit)?;
            return nothing_to_do();
        }
        check_not_withdrawn(ledger.state.task(task), &commit)?;
        done(vec![Change::Committed(commit)])
    }
}

/// Refuses a commit that contradicts the one on record.
pub(super) fn check_recorded(ledger: &Ledger, task: TaskIndex, commit: &CommitRecord) -> Result<(), Refusal> {
    match &ledger.state.task(task).stage {
        TaskStage::Committed(recorded)
            if recorded.manifest != commit.manifest
                || recorded.lease != commit.lease
                || commit.digest.is_some_and(|digest| recorded.digest.is_some_and(|it| it != digest)) =>
        {
            Err(Refusal::CommittedOtherwise { task: commit.task, recorded: recorded.lease.clone() })
        }
        TaskStage::Committed(_)
        | TaskStage::Waiting
        | TaskStage::Leased(_)
        | TaskStage::Expiring(_)
        | TaskStage::Failed(_) => Ok(()),
    }
}

/// Refuses a commit that was withdrawn: somebody has read it in the store before that.
fn check_not_withdrawn(task: &Task, commit: &CommitRecord) -> Result<(), Refusal> {
    match task.withdrawn.contains(&commit.lease) {
        false => Ok(()),
        true => Err(Refusal::Withdrawn { task: commit.task, lease: commit.lease.clone() }),
    }
}

/// Whether the commit can be that of an attempt at this task: one that is remembered, one of those in between that are
/// not remembered any more, or one that began under a journal that was lost.
fn could_have_run(ledger: &Ledger, task: &Task, commit: &CommitRecord) -> bool {
    match task.attempts.iter().find(|past| past.attempt == commit.attempt) {
        Some(past) => past.lease == commit.lease,
        None => (1..=task.begun.max(ledger.state.lost_attempts)).contains(&commit.attempt.0),
    }
}
