//! Stories about the store, on every kind of it and with every kind of fault.

// What fails here fails a test, and says where.
#![allow(clippy::unwrap_used, reason = "a test's failure is its panic")]

mod backends;
mod checkpoints;
mod commits;
mod datasets;
mod local_files;
mod measure;
mod parquet;
mod repair;
mod retries;
mod sweeps;
