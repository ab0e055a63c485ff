//! The sweeps of a store, as far as digests prove them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use basin_core::command::Withdrawal;
use basin_domain::error_chain;
use basin_domain::id::{Attempt, ExperimentId, SweepId, TaskId};
use basin_domain::key;
use basin_domain::placement::Requirements;
use basin_domain::task::Task;
use basin_domain::time::Timestamp;
use basin_storage::{Commit, FoundCommits, ObjectProblem, StorageError, Store, SweepRecord};
use futures::{StreamExt, TryStreamExt};

use crate::launch::{self, PrepareError};

/// Manifests that are read at once.
const CONCURRENT: usize = 16;

/// How much of what is committed is read before it is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Commits and the manifests that they prove.
    Manifests,
    /// Every byte of every artifact, too.
    EveryByte,
}

/// The sweeps of a store, as far as digests prove them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StoredSweeps {
    /// The sweeps, by id.
    pub sweeps: Vec<StoredSweep>,
    /// The commits of their tasks.
    pub commits: BTreeMap<TaskId, ProvedCommit>,
    /// The tasks of which something is damaged that was committed, and what that is.
    pub damaged: BTreeMap<TaskId, Vec<ObjectProblem>>,
    /// The commits that were withdrawn, and that no other has followed.
    pub withdrawn: Vec<Withdrawal>,
    /// The sweeps of which the store doesn't prove what they are.
    pub left_out: Vec<LeftOutSweep>,
    /// The highest number of an attempt at any task of the store, if anything is there of one.
    pub highest_attempt: Option<Attempt>,
}

/// A sweep of a store.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSweep {
    /// Its id.
    pub id: SweepId,
    /// When it was first launched; not known of those of before that was kept.
    pub launched_at: Option<Timestamp>,
    /// Its runs, in the order of its file.
    pub tasks: Vec<Task>,
    /// The requirements of its experiments on workers: of those that have any. If this version of the program can't expand its file any more,
    /// why.
    pub needs: Result<BTreeMap<ExperimentId, Requirements>, String>,
}

/// A commit that is proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvedCommit {
    /// The commit.
    pub commit: Commit,
    /// When its attempt ended, by its worker's clock.
    pub finished_at: Timestamp,
}

/// A sweep of which the store doesn't prove what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOutSweep {
    /// Its id.
    pub id: SweepId,
    /// Why it is left out.
    pub why: String,
}

impl StoredSweeps {
    /// Reads these sweeps.
    ///
    /// # Errors
    /// If the store can't be read. What is damaged is no error.
    pub async fn read(store: &Store, ids: &[SweepId], proof: Proof) -> Result<Self, StorageError> {
        let mut found = Self::default();
        for id in ids {
            match read_sweep(store, id).await {
                Ok(sweep) => found.sweeps.extend(sweep),
                Err(error @ (StorageError::NotFound { .. } | StorageError::Corrupt { .. })) => {
                    let why = error_chain::with_causes(&error);
                    found.left_out.push(LeftOutSweep { id: id.clone(), why });
                }
                Err(error) => return Err(error),
            }
        }
        let tasks: BTreeSet<TaskId> =
            found.sweeps.iter().flat_map(|sweep| &sweep.tasks).map(|task| task.id).collect();
        found.read_commits(store, &tasks.into_iter().collect::<Vec<_>>(), proof).await?;
        found.highest_attempt = store.highest_attempt().await?;
        Ok(found)
    }

    async fn read_commits(
        &mut self,
        store: &Store,
        tasks: &[TaskId],
        proof: Proof,
    ) -> Result<(), StorageError> {
        let FoundCommits { commits, damaged, withdrawn } = store.find_commits(tasks).await?;
        for (task, why) in damaged {
            self.damaged.insert(task, vec![ObjectProblem { key: key::commit(&task), why }]);
        }
        for (task, note) in withdrawn {
            let of_note = |it: basin_storage::WithdrawnAttempt| Withdrawal {
                task,
                lease: it.lease,
                attempt: it.attempt,
            };
            self.withdrawn.extend(note.withdrawn.into_iter().map(of_note));
        }
        if proof == Proof::EveryByte {
            let committed: Vec<TaskId> = commits.keys().copied().collect();
            for damaged in store.find_damaged(&committed).await? {
                self.damaged.insert(damaged.task, damaged.problems);
            }
        }
        let unproved = commits.into_values().filter(|commit| !self.damaged.contains_key(&commit.task));
        let unproved: Vec<Commit> = unproved.collect();
        let mut proofs = futures::stream::iter(unproved)
            .map(|commit| async move { Ok::<_, StorageError>((commit.task, prove(store, commit).await?)) })
            .buffer_unordered(CONCURRENT);
        while let Some((task, proved)) = proofs.try_next().await? {
            match proved {
                Ok(commit) => drop(self.commits.insert(task, commit)),
                Err(problem) => drop(self.damaged.insert(task, vec![problem])),
            }
        }
        Ok(())
    }
}

/// A sweep; nothing if it was never launched to its end, or is being removed.
async fn read_sweep(store: &Store, id: &SweepId) -> Result<Option<StoredSweep>, StorageError> {
    let record = match store.read_sweep(id).await {
        Err(StorageError::NotFound { .. }) => return Ok(None),
        record => record?,
    };
    let mut tasks = store.read_tasks(id).await?;
    let count = tasks.len() as u64;
    let mut met = HashSet::with_capacity(tasks.len());
    tasks.retain(|task| met.insert((task.experiment.clone(), task.id)));
    let needs = needs(store, &record, count).await?;
    Ok(Some(StoredSweep {
        id: id.clone(),
        launched_at: record.launched_unix_ms.map(Timestamp),
        tasks,
        needs,
    }))
}

/// The requirements of a sweep's experiments on workers, which are written in its file alone; or why they aren't known.
async fn needs(
    store: &Store,
    record: &SweepRecord,
    tasks: u64,
) -> Result<Result<BTreeMap<ExperimentId, Requirements>, String>, StorageError> {
    match launch::plan_again(store, record, tasks).await {
        Ok(plan) => Ok(Ok(plan.needs)),
        Err(PrepareError::Storage(error)) => Err(error),
        Err(error) => Ok(Err(error_chain::with_causes(&error))),
    }
}

/// The commit with the manifest that it proves; or what is wrong with them.
async fn prove(store: &Store, commit: Commit) -> Result<Result<ProvedCommit, ObjectProblem>, StorageError> {
    let problem = |key: String, why: String| Ok(Err(ObjectProblem { key, why }));
    let manifest = match store.read_manifest(&commit).await {
        Ok(manifest) => manifest,
        Err(StorageError::NotFound { key, .. }) => return problem(key, "it is missing".to_owned()),
        Err(StorageError::Corrupt { key, why, .. }) => return problem(key, why),
        Err(error) => return Err(error),
    };
    if manifest.commit().is_ok_and(|of_manifest| of_manifest == commit) {
        let finished_at = Timestamp(manifest.provenance.finished_unix_ms);
        return Ok(Ok(ProvedCommit { commit, finished_at }));
    }
    problem(key::commit(&commit.task), "it isn't the commit of its manifest".to_owned())
}
