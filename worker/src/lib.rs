//! The worker: an agent that leases tasks and an executor that trains them.
//!
//! The *agent* is async and talks to the coordinator and the store; it never touches a tensor. The *executor* is a child
//! process, one a slot: it trains the tasks of a lease as its lanes, talks to the agent over its pipes, and never touches the network. A crash
//! of the executor is an answer (the attempts failed), not an end.
//!
//! Start reading in [`agent`] for the life of a worker, in [`agent::attempt`] for the life of a task on it, and in
//! [`executor`] for the other side of the pipe. This crate doesn't know the ledger.

pub mod agent;
mod cached_datasets;
pub mod command;
pub mod executor;
mod frames;
#[doc(hidden)]
pub mod fuzzing;
pub mod replay;
mod stored_dataset;

pub use basin_experiments::accelerator::{DeviceName, UnknownDevice, count as devices};
pub use basin_experiments::dataset::{ColumnContent, DatasetError};
pub use basin_experiments::dataset::{ImportOptions, import as import_dataset};
pub use basin_experiments::kind;
pub use basin_experiments::{
    Assets, CodePath, Dataset as OpenedDataset, ExperimentError, bench, code_path, force_code_path,
    keep_freed_memory, preview,
};
pub use cached_datasets::CachedDataset;
pub use stored_dataset::{OpenDatasetError, open_dataset};

/// Sets the number of this process's training threads; only before the first tensor, and only once.
///
/// # Errors
/// If it is set already.
pub fn set_threads(threads: usize) -> Result<(), rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()
}
