//! The proof, from the store alone, that a sweep is whole.

use std::collections::BTreeSet;

use basin_domain::id::{SweepId, TaskId};
use basin_domain::key;
use futures::{StreamExt, TryStreamExt};
use serde::Serialize;

use crate::sweep::SweepDigests;
use crate::{Commit, CommitState, Contents, ListedObject, Manifest, Result, StorageError, Store};

/// Tasks that are looked at at once.
const CONCURRENT: usize = 16;

/// The findings about a sweep in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The sweep.
    pub sweep: SweepId,
    /// Its tasks; one that two experiments share counts once.
    pub tasks: u64,
    /// Those with a commit.
    pub committed: u64,
    /// Those without, in order.
    pub uncommitted: Vec<TaskId>,
    /// Artifacts of committed attempts that were read and are right.
    pub artifacts: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The proofs of the bytes.
    pub coverage: Coverage,
    /// Tasks whose commit was withdrawn, and that have no other yet; they are among the uncommitted.
    pub withdrawn: Vec<TaskId>,
    /// The defects, by key.
    pub problems: Vec<ObjectProblem>,
    /// Attempts that are not the committed one, by folder: no problem, only space.
    pub strays: Vec<StrayAttempt>,
}

/// The proofs of a sweep's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Coverage {
    /// Commits every byte of which is proved by the digest that they carry.
    pub commits_with_digest: u64,
    /// Commits of before they carried one: outcome, worker and digests are proved by the manifest.
    pub commits_of_before: u64,
    /// Whether the sweep's record (its file, data sets and time) is proved by the digest that it carries.
    pub record_with_digest: bool,
    /// Whether the list of tasks is proved by its digest in the record; their specs are proved by their ids in any case.
    pub tasks_with_digest: bool,
}

/// Something that isn't as it must be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ObjectProblem {
    /// The object's key.
    pub key: String,
    /// The defect.
    pub why: String,
}

/// The folder of an attempt that isn't the committed one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct StrayAttempt {
    /// The folder.
    pub folder: String,
    /// Objects in it.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether it has a manifest: a whole attempt that came too late.
    pub finished: bool,
}

impl Verification {
    /// Whether every task is committed and nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.uncommitted.is_empty() && self.problems.is_empty()
    }
}

impl Store {
    /// Reads a sweep's commits, manifests and every byte of its artifacts, and says what is wrong.
    ///
    /// # Errors
    /// If the sweep isn't in the store, or the store can't be read. What is damaged is no error, but a [`ObjectProblem`].
    pub async fn verify(&self, sweep: &SweepId) -> Result<Verification> {
        let (digests, damage) = match self.sweep_digests(sweep).await {
            Err(StorageError::Corrupt { key, why, .. }) => {
                (SweepDigests::default(), Some(ObjectProblem { key, why }))
            }
            digests => (digests?, None),
        };
        let (record_with_digest, tasks_with_digest) = (digests.of_record, digests.of_tasks);
        let tasks: BTreeSet<TaskId> = self.read_tasks(sweep).await?.into_iter().map(|task| task.id).collect();
        let mut verification = Verification {
            sweep: sweep.clone(),
            tasks: tasks.len() as u64,
            committed: 0,
            uncommitted: Vec::new(),
            artifacts: 0,
            bytes: 0,
            coverage: Coverage { record_with_digest, tasks_with_digest, ..Coverage::default() },
            withdrawn: Vec::new(),
            problems: damage.into_iter().collect(),
            strays: Vec::new(),
        };
        let mut found = futures::stream::iter(tasks).map(|task| self.examine(task)).buffered(CONCURRENT);
        while let Some(mut of_task) = found.try_next().await? {
            verification.coverage.commits_with_digest += u64::from(of_task.has_digest == Some(true));
            verification.coverage.commits_of_before += u64::from(of_task.has_digest == Some(false));
            if of_task.is_withdrawn {
                verification.withdrawn.push(of_task.task);
            }
            match of_task.committed {
                true => verification.committed += 1,
                false => verification.uncommitted.push(of_task.task),
            }
            verification.artifacts += of_task.artifacts;
            verification.bytes += of_task.bytes;
            verification.problems.append(&mut of_task.problems);
            verification.strays.append(&mut of_task.strays);
        }
        verification.problems.sort();
        verification.strays.sort();
        Ok(verification)
    }

    async fn examine(&self, task: TaskId) -> Result<TaskExamination> {
        let mut found = TaskExamination::new(task);
        let state = self.read_commit_state(&task).await?;
        match &state {
            CommitState::Empty => {}
            CommitState::Committed(_) => found.has_digest = Some(true),
            CommitState::CommittedWithoutDigest(_) => found.has_digest = Some(false),
            CommitState::Withdrawn(_) => found.is_withdrawn = true,
            CommitState::Damaged { why } => found.problem(&key::commit(&task), why),
        }
        found.committed = state.commit().is_some();
        if let Some(commit) = state.commit() {
            self.examine_attempt(commit, &mut found).await?;
        }
        found.strays = self.strays(&task, state.commit()).await?;
        Ok(found)
    }

    /// The defects of what was committed: the commit itself, its manifest, every byte of its artifacts.
    ///
    /// # Errors
    /// If the store can't be read.
    pub(crate) async fn problems_of(&self, commit: &Commit) -> Result<Vec<ObjectProblem>> {
        let mut found = TaskExamination::new(commit.task);
        self.examine_attempt(commit, &mut found).await?;
        Ok(found.problems)
    }

    async fn examine_attempt(&self, commit: &Commit, found: &mut TaskExamination) -> Result<()> {
        let folder = key::attempt(&commit.task, commit.attempt, &commit.lease);
        let manifest: Manifest = match self.read_manifest(commit).await {
            Ok(manifest) => manifest,
            Err(error) => return found.note(&format!("{folder}/{}", key::MANIFEST), error),
        };
        match manifest.commit() {
            Ok(expected) if expected == *commit => {}
            Ok(_) => found.problem(&key::commit(&commit.task), "it isn't the commit of its manifest"),
            Err(error) => found.note(&format!("{folder}/{}", key::MANIFEST), error)?,
        }
        for artifact in &manifest.artifacts {
            let key = format!("{folder}/{}", artifact.name);
            match self.contents(&key).await {
                Ok(contents) => found.compare(&key, &artifact.contents, &contents),
                Err(error) => found.note(&key, error)?,
            }
        }
        Ok(())
    }

    /// The attempts at a task that are not the committed one.
    async fn strays(&self, task: &TaskId, commit: Option<&Commit>) -> Result<Vec<StrayAttempt>> {
        let committed = commit.map(|commit| key::attempt(task, commit.attempt, &commit.lease));
        let mut strays: Vec<StrayAttempt> = Vec::new();
        for ListedObject { key, size } in self.list(&key::attempts(task)).await? {
            let Some((folder, name)) = key.rsplit_once('/') else { continue };
            if committed.as_deref() == Some(folder) {
                continue;
            }
            if strays.last().is_none_or(|stray| stray.folder != folder) {
                strays.push(StrayAttempt {
                    folder: folder.to_owned(),
                    objects: 0,
                    bytes: 0,
                    finished: false,
                });
            }
            if let Some(stray) = strays.last_mut() {
                stray.objects += 1;
                stray.bytes += size;
                stray.finished |= name == key::MANIFEST;
            }
        }
        Ok(strays)
    }
}

/// The findings about one task.
struct TaskExamination {
    task: TaskId,
    committed: bool,
    /// Whether its commit carries its digest, if it has one.
    has_digest: Option<bool>,
    is_withdrawn: bool,
    artifacts: u64,
    bytes: u64,
    problems: Vec<ObjectProblem>,
    strays: Vec<StrayAttempt>,
}

impl TaskExamination {
    fn new(task: TaskId) -> Self {
        let (has_digest, is_withdrawn) = (None, false);
        Self {
            task,
            committed: false,
            has_digest,
            is_withdrawn,
            artifacts: 0,
            bytes: 0,
            problems: Vec::new(),
            strays: Vec::new(),
        }
    }

    fn problem(&mut self, key: &str, why: impl Into<String>) {
        self.problems.push(ObjectProblem { key: key.to_owned(), why: why.into() });
    }

    fn compare(&mut self, key: &str, expected: &Contents, found: &Contents) {
        match expected.differ_from(found) {
            None => {
                self.artifacts += 1;
                self.bytes += found.size;
            }
            Some(why) => self.problem(key, why),
        }
    }

    /// Notes what is wrong with an object; an error of the store itself ends the verification.
    fn note(&mut self, key: &str, error: StorageError) -> Result<()> {
        match error {
            StorageError::NotFound { .. } => self.problem(key, "it is missing"),
            StorageError::Corrupt { key, why, .. } => self.problem(&key, why),
            StorageError::MissingArtifact { name, .. } => self.problem(key, format!("it lists no `{name}`")),
            error => return Err(error),
        }
        Ok(())
    }
}
