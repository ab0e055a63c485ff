//! Stories about the store, on every kind of it and with every kind of fault.

mod backends;
mod checkpoints;
mod commits;
mod datasets;
mod local_files;
mod measure;
mod parquet;
mod retries;
mod sweeps;
