//! Object stores behind Basin's own small façade.
//!
//! This crate is for everything that outlives a process: artifacts, manifests, commits, checkpoints, sweeps, data sets and
//! the Parquet files of metrics and tables. It knows object stores and files, and neither the network protocol of Basin
//! nor tensors; who traces a call finds it in the trace (`call_span`). The keys are spelt in one place, [`basin_domain::key`].
//!
//! Where to start reading: [`Store`] is the façade; [`AttemptWriter`] is how a worker writes what it made;
//! [`Store::commit`] is the one write that decides who did a task, and `docs/decisions/0003-commit.md` says why it is
//! right; [`backend`] is where a new kind of store goes.

pub mod backend;
#[doc(hidden)]
pub mod fuzzing;
pub mod metrics;
pub mod table;
pub mod testing;

mod attempt;
mod call;
mod call_span;
mod checkpoint;
mod commit;
mod commit_state;
mod commit_write;
mod contents;
mod dataset;
mod dataset_contents;
mod dated_object;
mod error;
mod find_commits;
mod from_object_store;
mod garbage;
mod histogram;
mod key;
pub use key::is_artifact_name;
mod listed_object;
mod manifest;
mod meter;
mod misconfiguration;
mod no_credentials;
mod objects;
mod outage;
mod parquet_file;
mod parts;
mod probe;
mod put_if_absent;
mod read;
mod reader;
mod repair;
mod retry;
mod self_digest;
mod server_error;
mod store;
mod sweep;
mod traces;
mod transfer;
mod verify;

pub use attempt::{AttemptEnd, AttemptWriter};
pub use checkpoint::{CheckpointLocation, StoredCheckpoint};
pub use commit::{Commit, CommitMode, CommitOutcome, InvalidCommit};
pub use commit_state::{CommitState, WithdrawalNote, WithdrawnAttempt};
pub use contents::Contents;
pub use dataset::{
    DatasetImport, DatasetVersion, DatasetVersions, ImportError, ImportOutcome, StoredDataset,
    UnresolvedDataset,
};
pub use error::{Cause, StorageError};
pub use find_commits::FoundCommits;
pub use garbage::{Collected, CollectionMark, Freed, GarbageCollection, Needed, OtherWriters, Space};
pub use histogram::{Histogram, HistogramCounts};
pub use listed_object::ListedObject;
pub use manifest::{Artifact, Manifest, Provenance};
pub use meter::{StoreCall, StoreMeter};
pub use misconfiguration::{Misconfiguration, Provider};
pub use outage::is_local_outage;
pub use probe::ConditionalWrites;
pub use repair::{DamagedTask, WithdrawOutcome};
pub use retry::Retry;
pub use server_error::ServerError;
pub use store::Store;
pub use sweep::SweepRecord;
pub use transfer::digest_of_file;
pub use verify::{Coverage, ObjectProblem, StrayAttempt, Verification};

/// The result of every call to a store.
pub type Result<T, E = StorageError> = std::result::Result<T, E>;
