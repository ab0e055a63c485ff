//! Stories about the store, on every kind of it and with every kind of fault.

// A failure here fails a test, and names its place.
#![allow(clippy::unwrap_used, reason = "a test's failure is its panic")]

mod backends;
mod checkpoints;
mod commits;
mod datasets;
mod garbage;
mod local_files;
mod measure;
mod parquet;
mod repair;
mod retries;
mod sweeps;
mod traces;
