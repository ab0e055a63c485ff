//! `basin repair`: what is damaged is withdrawn, in the store and then in the ledger, and its tasks run again.

use std::time::{Duration, Instant};

use basin_core::command::{Adopt, Withdraw, Withdrawal};
use basin_core::event::FinalReason;
use basin_domain::id::{Attempt, LeaseId, SweepId, TaskId};
use basin_storage::{DamagedTask, ObjectProblem, WithdrawOutcome, WithdrawnAttempt};
use tonic::Status;

use super::{Coordinator, commit_record, reconcile, refusal};

/// Tasks that are looked at between two looks at the clock.
const CHUNK: usize = 64;
/// A call ends after this time, and says where the next goes on.
const TIME_BUDGET: Duration = Duration::from_secs(30);

/// A task whose commit counts no more, or would not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairedTask {
    /// The task.
    pub task: TaskId,
    /// Whose commit it was, if that is known.
    pub commit: Option<(Attempt, LeaseId)>,
    /// The errors.
    pub problems: Vec<ObjectProblem>,
    /// Whether it was withdrawn.
    pub is_withdrawn: bool,
}

/// The outcome of a repair.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repaired {
    /// The tasks, by id.
    pub tasks: Vec<RepairedTask>,
    /// Tasks that had failed for something damaged, and start over.
    pub retried: u64,
    /// The last task that was looked at, if there are more.
    pub next_after: Option<TaskId>,
}

impl RepairedTask {
    /// A task of which this is damaged.
    pub fn of(damaged: &DamagedTask) -> Self {
        let commit = damaged.commit.as_ref().map(|commit| (commit.attempt, commit.lease.clone()));
        Self { task: damaged.task, commit, problems: damaged.problems.clone(), is_withdrawn: false }
    }
}

impl Coordinator {
    /// Looks at a sweep's tasks behind `after`, for some time, and withdraws what is damaged; what the ledger has as
    /// committed and the store hasn't, is withdrawn in the ledger alone. Idempotent.
    ///
    /// The ledger is looked at first, then the store is read and written, and then the ledger is told: so the commit that is
    /// withdrawn is the one that was seen, whatever is committed meanwhile (`docs/decisions/0021-withdrawal.md`).
    ///
    /// # Errors
    /// If the ledger doesn't know the sweep, or the store can't be read or written.
    pub async fn repair(
        &self,
        sweep: &SweepId,
        after: Option<TaskId>,
        is_dry_run: bool,
    ) -> Result<Repaired, Status> {
        let began = Instant::now();
        let (tasks, failed) = self.tasks_of(sweep).await?;
        let tasks: Vec<TaskId> =
            tasks.into_iter().filter(|task| after.is_none_or(|after| *task > after)).collect();
        let mut repaired = Repaired::default();
        let mut commits = Vec::new();
        let mut looked_at = 0;
        for chunk in tasks.chunks(CHUNK) {
            let (found, withdrawals) = self.repair_some(chunk, is_dry_run).await?;
            repaired.tasks.extend(found);
            commits.extend(withdrawals);
            looked_at += chunk.len();
            if began.elapsed() >= TIME_BUDGET && looked_at < tasks.len() {
                repaired.next_after = chunk.last().copied();
                break;
            }
        }
        if repaired.next_after.is_none() {
            repaired.retried = failed;
        }
        if !is_dry_run && (!commits.is_empty() || repaired.next_after.is_none()) {
            self.decide(Withdraw { sweep: Some(sweep.clone()), commits }).await?;
            self.wake.notify_waiters();
            tracing::info!(%sweep, tasks = repaired.tasks.len(), "sweep repaired");
        }
        Ok(repaired)
    }

    /// The tasks that a sweep lists, by id, and how many of them failed for something damaged.
    async fn tasks_of(&self, sweep: &SweepId) -> Result<(Vec<TaskId>, u64), Status> {
        let id = sweep.clone();
        let look = self.ledger.view(move |ledger| {
            let tasks = ledger.sweep_tasks(&id)?;
            let tasks: std::collections::BTreeMap<TaskId, bool> =
                tasks.map(|(task, _)| (task.id, task.failed == Some(FinalReason::Damaged))).collect();
            let failed = tasks.values().filter(|failed| **failed).count() as u64;
            Some((tasks.into_keys().collect::<Vec<_>>(), failed))
        });
        let found = look.await.map_err(|error| refusal::decide_error(&error))?;
        found.ok_or_else(|| Status::not_found(format!("there is no sweep `{sweep}`")))
    }

    async fn repair_some(
        &self,
        tasks: &[TaskId],
        is_dry_run: bool,
    ) -> Result<(Vec<RepairedTask>, Vec<Withdrawal>), Status> {
        let recorded = self.recorded(tasks).await?;
        let mut repaired = Vec::new();
        let mut withdrawals = Vec::new();
        for damaged in self.store.find_damaged(tasks).await.map_err(refusal::store_error)? {
            let mut task = RepairedTask::of(&damaged);
            if !is_dry_run {
                let done = self.store.withdraw(&damaged, self.commits).await.map_err(refusal::store_error)?;
                task.is_withdrawn = matches!(done, WithdrawOutcome::Withdrawn(_));
                // Also where the ledger doesn't have it: whoever has read it may bring it yet.
                if let Some((attempt, lease)) = task.commit.clone().filter(|_| task.is_withdrawn) {
                    withdrawals.push(Withdrawal { task: task.task, lease, attempt });
                }
            }
            repaired.push(task);
        }
        let found = self.store.find_commits(tasks).await.map_err(refusal::store_error)?;
        let differences = reconcile::compare(&recorded, &found);
        let missing = differences.missing.clone();
        for (of_ledger, why) in [
            (differences.missing, "the journal has it as committed, and the store has nothing"),
            (differences.outdated, "the journal has it as committed, and the store has it withdrawn"),
        ] {
            for withdrawal in of_ledger {
                if !repaired.iter().any(|it| it.task == withdrawal.task) {
                    repaired.push(RepairedTask {
                        task: withdrawal.task,
                        commit: Some((withdrawal.attempt, withdrawal.lease.clone())),
                        problems: vec![ObjectProblem {
                            key: basin_domain::key::commit(&withdrawal.task),
                            why: why.to_owned(),
                        }],
                        is_withdrawn: !is_dry_run,
                    });
                }
                withdrawals.push(withdrawal);
            }
        }
        if !is_dry_run {
            for missing in &missing {
                let attempt = WithdrawnAttempt { attempt: missing.attempt, lease: missing.lease.clone() };
                self.store
                    .withdraw_absent(&missing.task, attempt, self.commits)
                    .await
                    .map_err(refusal::store_error)?;
            }
            self.adopt_others(&recorded, &found, &withdrawals).await?;
        }
        repaired.sort_by_key(|it| it.task);
        Ok((repaired, withdrawals))
    }

    /// The store's state in the place of a commit that is withdrawn here counts, once that is withdrawn.
    async fn adopt_others(
        &self,
        recorded: &[basin_core::command::CommitRecord],
        found: &basin_storage::FoundCommits,
        withdrawals: &[Withdrawal],
    ) -> Result<(), Status> {
        let others: Vec<_> = recorded
            .iter()
            .filter_map(|recorded| {
                found.commits.get(&recorded.task).filter(|commit| commit.lease != recorded.lease)
            })
            .collect();
        if others.is_empty() {
            return Ok(());
        }
        self.decide(Withdraw { sweep: None, commits: withdrawals.to_vec() }).await?;
        for commit in others {
            self.decide(Adopt(commit_record(commit))).await?;
        }
        Ok(())
    }
}
