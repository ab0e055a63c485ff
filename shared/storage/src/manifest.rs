//! Manifests: what an attempt made, who made it, and where it ran.

use basin_domain::digest::Digest;
use basin_domain::id::{Attempt, LeaseId, TaskId, WorkerId};
use basin_domain::key;
use basin_domain::memory_use::MemoryUse;
use basin_domain::metrics::Outcome;
use basin_domain::time_spent::TimeSpent;
use serde::{Deserialize, Serialize};

use crate::{Commit, Contents, Result, StorageError};

/// One object that an attempt made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Its name within the attempt's folder.
    pub name: String,
    /// Its size and digest.
    #[serde(flatten)]
    pub contents: Contents,
}

/// Where and how an attempt ran. Nothing that a result depends on, so no table or figure of results shows it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// The host's name.
    pub host: String,
    /// `cpu`, `cuda:0`.
    pub device: String,
    /// The kernels' code path (`avx512`, `avx2`, `portable`).
    pub code_path: String,
    /// Threads of the executor.
    pub threads: u32,
    /// The program's version.
    pub basin_version: String,
    /// When the attempt began, by its worker's clock, in milliseconds since the Unix epoch.
    pub started_unix_ms: u64,
    /// When the attempt ended, by its worker's clock.
    pub finished_unix_ms: u64,
    /// The step of the checkpoint that the attempt began from, if from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed_from_step: Option<u64>,
    /// Steps of the optimiser that this attempt did itself.
    #[serde(default)]
    pub steps: u64,
    /// Seconds that a step took on average, evaluations included: what predictions are made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_seconds: Option<f64>,
    /// The number of tasks that trained together with this one, itself included.
    #[serde(default)]
    pub lanes: u32,
    /// What the attempt spent its time on, up to its manifest. Nothing of attempts by versions that didn't measure it.
    #[serde(default, skip_serializing_if = "TimeSpent::is_empty")]
    pub spent: TimeSpent,
    /// The memory of the executor. Nothing of attempts by versions that didn't measure it, and where the system doesn't tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryUse>,
}

/// The products of an attempt: the last object of its folder, written once all others are there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The task.
    pub task: TaskId,
    /// The attempt.
    pub attempt: Attempt,
    /// The lease under which it ran.
    pub lease: LeaseId,
    /// The worker that ran it.
    pub worker: WorkerId,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Its artifacts, sorted by name.
    pub artifacts: Vec<Artifact>,
    /// Where and how it ran.
    pub provenance: Provenance,
}

impl Manifest {
    /// The bytes that are stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a manifest has text keys only");
        bytes.push(b'\n');
        bytes
    }

    /// The digest of the bytes that are stored.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    /// The artifact of this name.
    pub fn artifact(&self, name: &str) -> Option<&Artifact> {
        self.artifacts.iter().find(|artifact| artifact.name == name)
    }

    /// The folder in which the artifacts lie.
    pub fn folder(&self) -> String {
        key::attempt(&self.task, self.attempt, &self.lease)
    }

    /// The commit that makes this attempt the task's result.
    ///
    /// # Errors
    /// [`StorageError::MissingArtifact`] if the attempt made no metrics or no result.
    pub fn commit(&self) -> Result<Commit> {
        let digest = |name: &str| match self.artifact(name) {
            Some(artifact) => Ok(artifact.contents.digest),
            None => Err(StorageError::MissingArtifact { task: self.task, name: name.to_owned() }),
        };
        Ok(Commit {
            task: self.task,
            attempt: self.attempt,
            lease: self.lease.clone(),
            worker: self.worker.clone(),
            manifest: self.digest(),
            outcome: self.outcome,
            metrics: digest(key::METRICS)?,
            result: digest(key::RESULT)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            task: TaskId(Digest::of(b"task")),
            attempt: Attempt(2),
            lease: LeaseId::new("l1").unwrap(),
            worker: WorkerId::new("w1").unwrap(),
            outcome: Outcome::Diverged { iteration: 17 },
            artifacts: vec![Artifact { name: key::METRICS.to_owned(), contents: Contents::of(b"m") }],
            provenance: Provenance { step_seconds: Some(0.1 + 0.2), ..Provenance::default() },
        }
    }

    #[test]
    fn a_manifest_survives_its_bytes() {
        let manifest = manifest();
        let read: Manifest = serde_json::from_slice(&manifest.to_bytes()).unwrap();
        assert_eq!(read, manifest);
        assert_eq!(read.digest(), manifest.digest());
    }

    #[test]
    fn an_attempt_without_a_result_has_no_commit() {
        let error = manifest().commit().unwrap_err();
        assert!(matches!(error, StorageError::MissingArtifact { name, .. } if name == key::RESULT));
    }
}
