//! The requests that travel through the simulation, as data: whichever one it is, and what it is answered.

use basin_core::command::{
    Adjust, Adopt, Cancel, CommitRecord, Complete, Drain, Exited, Expire, ExpiredLease, Fail, Forget, Launch,
    Pause, Release, Restarted, Resume, RetryFailed, Sync, Synced, Tick, Withdraw,
};
use basin_core::{Decided, Decision, Ledger, Request};
use basin_domain::id::{SweepId, WorkerId};
use basin_domain::time::Timestamp;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    Launch(Launch),
    Adjust(Adjust),
    Pause(SweepId),
    Resume(SweepId),
    Cancel(SweepId),
    Forget(SweepId),
    RetryFailed(SweepId),
    Drain(WorkerId),
    Sync(Sync),
    Complete(CommitRecord),
    Adopt(CommitRecord),
    Withdraw(Withdraw),
    Fail(Fail),
    Release(Release),
    Expire(Expire),
    Exited(WorkerId),
    Tick,
    Restarted,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    Synced(Synced),
    Ticked(Vec<ExpiredLease>),
    /// Nothing that the simulation looks at.
    Done,
}

impl Request for Command {
    type Reply = Reply;

    fn decide(self, ledger: &Ledger, now: Timestamp) -> Decision<Reply> {
        match self {
            Self::Launch(request) => done(request.decide(ledger, now)),
            Self::Adjust(request) => done(request.decide(ledger, now)),
            Self::Pause(sweep) => done(Pause(sweep).decide(ledger, now)),
            Self::Resume(sweep) => done(Resume(sweep).decide(ledger, now)),
            Self::Cancel(sweep) => done(Cancel(sweep).decide(ledger, now)),
            Self::Forget(sweep) => done(Forget(sweep).decide(ledger, now)),
            Self::RetryFailed(sweep) => done(RetryFailed(sweep).decide(ledger, now)),
            Self::Drain(worker) => done(Drain(worker).decide(ledger, now)),
            Self::Sync(request) => answered(request.decide(ledger, now), Reply::Synced),
            Self::Complete(commit) => done(Complete(commit).decide(ledger, now)),
            Self::Adopt(commit) => done(Adopt(commit).decide(ledger, now)),
            Self::Withdraw(request) => done(request.decide(ledger, now)),
            Self::Fail(request) => done(request.decide(ledger, now)),
            Self::Release(request) => done(request.decide(ledger, now)),
            Self::Expire(request) => done(request.decide(ledger, now)),
            Self::Exited(worker) => done(Exited(worker).decide(ledger, now)),
            Self::Tick => answered(Tick.decide(ledger, now), Reply::Ticked),
            Self::Restarted => done(Restarted.decide(ledger, now)),
        }
    }
}

fn answered<R>(decision: Decision<R>, reply: impl FnOnce(R) -> Reply) -> Decision<Reply> {
    decision.map(|decided| Decided { changes: decided.changes, reply: reply(decided.reply) })
}

fn done<R>(decision: Decision<R>) -> Decision<Reply> {
    answered(decision, |_| Reply::Done)
}
