//! Why a task's attempt ended without a commit, and what that costs.

use serde::{Deserialize, Serialize};

/// The cause of a failed attempt. Decisions are taken on this, never on the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The parameters can't be trained (a pool of an image of one pixel, say). Never retried: it would fail again.
    InvalidParameters,
    /// The data set isn't there, or its digest is wrong.
    MissingData,
    /// The device had not enough memory.
    OutOfMemory,
    /// The executor process died, or answered what it must not.
    Crashed,
    /// The experiment's own code gave up.
    Experiment,
    /// The store could not be read or written.
    Storage,
    /// The worker's lease ran out: it died, or was cut off.
    WorkerLost,
    /// The executor showed no progress for longer than its steps explain, and was killed.
    Hung,
    /// The contents of the store aren't those that were committed there: the task's own commit, or an input. Never retried: nothing
    /// changes before a person has it withdrawn.
    Damaged,
}

impl FailureKind {
    /// Every cause.
    pub const ALL: [Self; 9] = [
        Self::InvalidParameters,
        Self::MissingData,
        Self::OutOfMemory,
        Self::Crashed,
        Self::Experiment,
        Self::Storage,
        Self::WorkerLost,
        Self::Hung,
        Self::Damaged,
    ];

    /// Whether another attempt could end differently.
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::InvalidParameters | Self::Damaged => false,
            Self::MissingData
            | Self::OutOfMemory
            | Self::Crashed
            | Self::Experiment
            | Self::Storage
            | Self::WorkerLost
            | Self::Hung => true,
        }
    }

    /// The cause as a word, as it stands in files and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidParameters => "invalid-parameters",
            Self::MissingData => "missing-data",
            Self::OutOfMemory => "out-of-memory",
            Self::Crashed => "crashed",
            Self::Experiment => "experiment",
            Self::Storage => "storage",
            Self::WorkerLost => "worker-lost",
            Self::Hung => "hung",
            Self::Damaged => "damaged",
        }
    }
}

impl std::fmt::Display for FailureKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failed attempt: its cause and its first error, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The cause.
    pub kind: FailureKind,
    /// The first error, for people; shortened to [`Failure::MESSAGE_LIMIT`] bytes.
    pub message: String,
}

impl Failure {
    /// The longest message that is kept, in bytes.
    pub const MESSAGE_LIMIT: usize = 4096;

    /// A failure whose message is cut to what is kept.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > Self::MESSAGE_LIMIT {
            let end = (0..=Self::MESSAGE_LIMIT).rev().find(|&i| message.is_char_boundary(i)).unwrap_or(0);
            message.truncate(end);
        }
        Self { kind, message }
    }
}

/// Why a worker gave a lease back without the task having failed. Free of charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseReason {
    /// The worker is leaving on request.
    Drain,
    /// The worker's machine is being taken away (SIGTERM).
    Preemption,
    /// The worker's allocation is about to end.
    Walltime,
    /// The sweep was cancelled or paused.
    Stopped,
}

impl ReleaseReason {
    /// The reason as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Preemption => "preemption",
            Self::Walltime => "walltime",
            Self::Stopped => "stopped",
        }
    }
}
