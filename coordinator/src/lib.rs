//! The coordinator: services, journal, command line, report.
//!
//! What arrives at a [`service`] is decided by the ledger (crate `basin-core`), written to the [`journal`], and only then
//! answered; who may call is decided by [`trust`]. The [`report`] is made from the store alone. Without the feature `worker` this crate carries no tensors.
//!
//! Start reading in [`server`] for how a coordinator comes up, in [`service`] for a call's way, in [`cli`] for the commands.

pub mod cli;
pub mod client;
mod contender;
pub mod http;
pub mod journal;
pub mod launch;
mod open_files;
mod reign;
pub mod report;
pub mod server;
pub mod service;
pub mod trust;
