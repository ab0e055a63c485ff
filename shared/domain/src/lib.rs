//! The vocabulary of Basin: what a sweep, a task, a lease, a failure and an experiment's parameters *are*.
//!
//! Everything here is pure: no clock, no files, no network, no tensors, no async. Every other crate speaks in these
//! words, so what exists here is valid: ids and parameters are built through checks and can't be wrong afterwards.
//!
//! Where to start reading: [`sweep`] turns a sweep file into a [`sweep::SweepPlan`] of [`task::Task`]s; [`experiment`]
//! holds the typed parameters of every kind of experiment; [`key`] says where everything lies in the store.

pub mod claim;
pub mod curve;
pub mod custom_kind;
pub mod data;
pub mod digest;
pub mod error_chain;
pub mod escape;
pub mod experiment;
pub mod expression;
pub mod failure;
pub mod figure;
pub mod id;
pub mod key;
pub mod live_series;
pub mod lookup;
pub mod loss_curve;
pub mod memory_use;
pub mod metrics;
pub mod network;
pub mod optimizer;
pub mod outage;
pub mod placement;
pub mod proxy;
pub mod random;
pub mod schedule;
pub mod scheduling;
pub mod sweep;
pub mod task;
pub mod task_log;
pub mod time;
pub mod time_spent;
pub mod utc;
pub mod value;
pub mod worker;
