//! Taking back what is damaged, so that its task runs again.
//!
//! The note that a commit counts no more takes the commit's place in one conditional write, and the next attempt's commit
//! takes the note's place in another; the place is never empty on the way. `docs/decisions/0021-withdrawal.md` says why that
//! is right.

use basin_domain::digest::Digest;
use basin_domain::id::TaskId;
use basin_domain::key;
use futures::{StreamExt, TryStreamExt};
use object_store::{ObjectStoreExt, PutMode};

use crate::commit::COMMIT_LIMIT;
use crate::commit_state::ObjectVersion;
use crate::{
    Commit, CommitMode, CommitState, ObjectProblem, Result, StorageError, Store, StoreCall, WithdrawalNote,
    WithdrawnAttempt,
};

/// Tasks that are looked at at once.
const CONCURRENT: usize = 16;
/// How often a place is written before it is given up.
const TRIES: u32 = 7;

/// A task of which something that was committed is damaged.
#[derive(Debug, Clone)]
pub struct DamagedTask {
    /// The task.
    pub task: TaskId,
    /// Its commit, if that can be read.
    pub commit: Option<Commit>,
    /// The defect.
    pub problems: Vec<ObjectProblem>,
    /// The content of the commit's place when this was found.
    version: ObjectVersion,
}

/// The outcome of a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WithdrawOutcome {
    /// The damaged commit counts no more.
    Withdrawn(WithdrawalNote),
    /// Something else lies there by now: another has repaired it.
    Changed,
}

impl Store {
    /// Those of the tasks of which something is damaged that was committed, each looked at twice: a byte that was wrong on its
    /// way is none that is wrong.
    ///
    /// # Errors
    /// If the store can't be read.
    pub async fn find_damaged(&self, tasks: &[TaskId]) -> Result<Vec<DamagedTask>> {
        futures::stream::iter(tasks.to_vec())
            .map(|task| async move {
                match self.look_for_damage(&task).await? {
                    None => Ok(None),
                    Some(_) => self.look_for_damage(&task).await,
                }
            })
            .buffered(CONCURRENT)
            .try_filter_map(|damaged| async move { Ok(damaged) })
            .try_collect()
            .await
    }

    async fn look_for_damage(&self, task: &TaskId) -> Result<Option<DamagedTask>> {
        let (state, version) = self.read_commit_state_versioned(task).await?;
        let Some(version) = version else { return Ok(None) };
        let (commit, problems) = match state {
            CommitState::Empty | CommitState::Withdrawn(_) => return Ok(None),
            CommitState::Damaged { why } => (None, vec![ObjectProblem { key: key::commit(task), why }]),
            CommitState::Committed(commit) | CommitState::CommittedWithoutDigest(commit) => {
                let problems = self.problems_of(&commit).await?;
                (Some(commit), problems)
            }
        };
        Ok((!problems.is_empty()).then_some(DamagedTask { task: *task, commit, problems, version }))
    }

    /// Puts the note that what is damaged counts no more in the commit's place, and a copy of what was there aside. Nothing
    /// of the attempt is removed. May be called again at any time.
    ///
    /// On a store that ignores conditions nobody may call it but the one who writes its commits.
    ///
    /// # Errors
    /// [`StorageError::NotWithdrawable`] if the store would let the note take the place of something else, and as
    /// [`Store::put`].
    pub async fn withdraw(&self, damaged: &DamagedTask, mode: CommitMode) -> Result<WithdrawOutcome> {
        match mode {
            CommitMode::Serialised => {}
            CommitMode::Conditional if self.replaces_under_condition().await? => {}
            CommitMode::Conditional => {
                return Err(StorageError::NotWithdrawable { store: self.url().to_owned() });
            }
        }
        self.archive(damaged).await?;
        let note = self.withdrawal_note(damaged).await?;
        self.put_note(&note, Some(&damaged.version), mode, |_| true).await
    }

    /// Puts a note in a commit's place, if what was `seen` there lies there still, and gives the one that lies there then. One
    /// that `suffices` may be another's.
    pub(crate) async fn put_note(
        &self,
        note: &WithdrawalNote,
        seen: Option<&ObjectVersion>,
        mode: CommitMode,
        suffices: impl Fn(&WithdrawalNote) -> bool + Send,
    ) -> Result<WithdrawOutcome> {
        let key = key::commit(&note.task);
        let path = crate::key::path(&key)?;
        let mut tries = 0;
        loop {
            let (state, version) = self.read_commit_state_versioned(&note.task).await?;
            if let CommitState::Withdrawn(found) = state
                && suffices(&found)
            {
                return Ok(WithdrawOutcome::Withdrawn(found));
            }
            if version.map(|version| version.digest) != seen.map(|seen| seen.digest) {
                return Ok(WithdrawOutcome::Changed);
            }
            let bytes = note.to_bytes();
            let written = match (mode, seen) {
                (CommitMode::Serialised, _) => self.put(&key, bytes.into()).await,
                (CommitMode::Conditional, Some(seen)) => self.replace(&key, seen, bytes).await,
                (CommitMode::Conditional, None) => {
                    let put = self.objects().put_opts(&path, bytes.into(), PutMode::Create.into());
                    self.timed(StoreCall::Put, &key, self.retry().timeout, put).await.map(drop)
                }
            };
            // Whatever was said of it, the next look tells.
            if let Err(error) = written {
                tries += 1;
                if tries >= TRIES || !self.retry().wait_after(tries).await {
                    return Err(error);
                }
            }
        }
    }

    /// Puts the note in a place that is empty though this attempt was committed there: should its commit come back, late or by
    /// somebody's hand, it would count in the store and nowhere else.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub async fn withdraw_absent(
        &self,
        task: &TaskId,
        attempt: WithdrawnAttempt,
        mode: CommitMode,
    ) -> Result<WithdrawOutcome> {
        let reasons = vec![format!("{}: it is gone", key::commit(task))];
        let note = WithdrawalNote { task: *task, withdrawn: vec![attempt], reasons };
        self.put_note(&note, None, mode, |_| true).await
    }

    /// Copies what lies in the commit's place, under a name that says whose it was.
    async fn archive(&self, damaged: &DamagedTask) -> Result<()> {
        let key = key::commit(&damaged.task);
        let name = match (&damaged.commit, damaged.version.digest) {
            (Some(commit), _) => key::withdrawn_name(commit.attempt, &commit.lease),
            (None, Some(digest)) => format!("{digest}.json"),
            (None, None) => format!("{}.json", self.contents(&key).await?.digest),
        };
        let aside = format!("{}/{name}", key::withdrawn(&damaged.task));
        if self
            .contents_if_there(&aside)
            .await?
            .is_some_and(|kept| Some(kept.digest) == damaged.version.digest)
        {
            return Ok(());
        }
        match self.get_versioned(&key, COMMIT_LIMIT).await?.0 {
            Ok(bytes) => match Some(Digest::of(&bytes)) == damaged.version.digest {
                true => self.put(&aside, bytes).await,
                // Another has repaired it.
                false => Ok(()),
            },
            // Too long to be held: the store copies it.
            Err(_) => {
                let (from, to) = (crate::key::path(&key)?, crate::key::path(&aside)?);
                let (from, to, aside, timeout) = (&from, &to, &aside, self.retry().timeout);
                self.retry()
                    .run(|| async move {
                        self.timed(StoreCall::Copy, aside, timeout, self.objects().copy(from, to)).await
                    })
                    .await
            }
        }
    }

    /// The note: all attempts at the task whose commits were ever withdrawn, and what is damaged. Where it can't be read whose
    /// commit it was, it is that of any attempt that has come to its end.
    async fn withdrawal_note(&self, damaged: &DamagedTask) -> Result<WithdrawalNote> {
        let aside = self.list(&key::withdrawn(&damaged.task)).await?;
        let names = aside.iter().filter_map(|object| object.key.rsplit('/').next());
        let mut attempts: Vec<_> = names.filter_map(key::withdrawn_attempt).collect();
        if damaged.commit.is_none() {
            let listed = self.list(&key::attempts(&damaged.task)).await?;
            let ended =
                listed.iter().filter_map(|object| object.key.strip_suffix(key::MANIFEST)?.strip_suffix('/'));
            attempts.extend(ended.filter_map(|folder| key::attempt_of(folder.rsplit('/').next()?)));
        }
        let mut withdrawn: Vec<WithdrawnAttempt> =
            attempts.into_iter().map(|(attempt, lease)| WithdrawnAttempt { attempt, lease }).collect();
        withdrawn.sort();
        withdrawn.dedup();
        let reasons = damaged.problems.iter().map(|problem| format!("{}: {}", problem.key, problem.why));
        Ok(WithdrawalNote { task: damaged.task, withdrawn, reasons: reasons.collect() })
    }
}
