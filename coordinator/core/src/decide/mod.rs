//! How commands are answered.

use basin_domain::time::Timestamp;

use crate::Ledger;
use crate::command::{Command, Refusal, Reply};
use crate::event::{Change, Event};

mod attempt_end;
mod fair_queue;
mod fair_share;
mod launch;
mod steer;
mod sync;
mod tick;
mod withdraw;

/// Decides about a command: what happens, which the caller applies (and makes durable before it answers), and the reply.
///
/// # Errors
/// A refusal, with which nothing happens.
pub fn decide(ledger: &Ledger, now: Timestamp, command: Command) -> Result<(Vec<Event>, Reply), Refusal> {
    let (changes, reply) = match command {
        Command::Launch(launch) => launch::launch(ledger, launch)?,
        Command::LaunchPart(part) => launch::launch_part(ledger, part)?,
        Command::Adjust { sweep, adjustment } => steer::adjust(ledger, sweep, adjustment)?,
        Command::Pause(sweep) => steer::pause(ledger, sweep)?,
        Command::Resume(sweep) => steer::resume(ledger, sweep)?,
        Command::Cancel(sweep) => steer::cancel(ledger, sweep)?,
        Command::RetryFailed(sweep) => steer::retry_failed(ledger, sweep)?,
        Command::Drain(worker) => steer::drain(ledger, worker)?,
        Command::Sync(sync) => sync::sync(ledger, now, &sync)?,
        Command::Complete(complete) => attempt_end::complete(ledger, complete)?,
        Command::Adopt(complete) => attempt_end::adopt(ledger, complete)?,
        Command::Withdraw(withdraw) => withdraw::withdraw(ledger, withdraw)?,
        Command::DecideCommit(decision) => attempt_end::decide_commit(ledger, decision)?,
        Command::Fail { lease, task, failure } => attempt_end::fail(ledger, now, &lease, task, failure)?,
        Command::Release { lease, task, reason } => attempt_end::release(ledger, &lease, task, reason)?,
        Command::Expire { lease, tasks } => attempt_end::expire(ledger, now, &lease, &tasks)?,
        Command::Exited(worker) => tick::exited(ledger, worker),
        Command::Tick => tick::tick(ledger, now),
        Command::Restarted => tick::restarted(ledger, now),
    };
    Ok((changes.into_iter().map(|change| Event { at: now, change }).collect(), reply))
}

/// Changes and a reply, or a refusal.
type Decision = Result<(Vec<Change>, Reply), Refusal>;

/// It was so already, or it is none of the ledger's business any more.
const fn nothing_to_do() -> Decision {
    Ok((Vec::new(), Reply::Done))
}
