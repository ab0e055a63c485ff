//! Workers on a Slurm cluster: `basin slurm up` submits allocations while tasks wait, `basin slurm down` ends them.
//!
//! Slurm decides where and when an allocation runs; Basin only says how many it could use. Each round of `up` looks at the
//! coordinator (what waits, which workers are free) and at Slurm (which of its jobs are pending or running), a pure
//! function in [`plan`] says what to submit and what to take back, and [`engine`] does it. Nothing is kept between two
//! starts: the jobs' name says whose they are, a worker's label says which job it is.
//!
//! A job is a worker that leaves by itself: when nothing waits any more, before its walltime, at USR1 and at TERM.

mod check;
mod down;
mod engine;
mod error;
mod plan;
mod quote;
mod script;
mod time_limit;
mod up;
#[cfg(feature = "worker")]
mod walltime;

pub(crate) use self::error::{Mistake, SlurmError};
pub(crate) use self::time_limit::TimeLimit;
use super::arguments::Slurm;
use super::command_error::CommandResult;
use super::output::Output;

#[cfg(feature = "worker")]
pub(super) use walltime::walltime;

/// `basin slurm`.
pub(super) async fn slurm(arguments: Slurm, output: Output) -> CommandResult {
    match arguments {
        Slurm::Up(up) => up::up(*up, output).await,
        Slurm::Down(down) => down::down(down, output).await,
    }
}
