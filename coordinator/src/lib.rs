//! The coordinator: services, journal, leadership, trust.
//!
//! Calls of a [`service`] are decided by the ledger (crate `basin-core`), written to the [`journal`], and only then
//! answered; who may call is decided by [`trust`]. Command line and report are crates of their own (`basin-cli`, `basin-report`), which this one must not know.
//!
//! Start reading in [`server`] for how a coordinator comes up and in [`service`] for a call's way.

pub mod client;
pub mod http;
pub mod journal;
pub mod launch;
pub mod leader_election;
pub mod leader_session;
mod newest_lines;
mod open_files;
pub mod platform;
pub mod rebuild;
pub mod server;
pub mod service;
pub mod stored_log;
pub mod trust;
pub mod work_host;
