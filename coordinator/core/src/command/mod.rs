//! The requests that the ledger decides about, with their replies, and how it refuses them.

mod attempt;
mod clock;
mod commit;
mod forget;
mod launch;
mod policy;
mod rebuilt;
mod refusal;
mod steer;
mod sync;

pub use attempt::{Expire, Fail, Release, Settled};
pub use basin_domain::task::LeasedTask;
pub use basin_domain::worker::{HeldLease, Progress, RevocationReason, WorkerDescription};
pub use clock::{Exited, ExpiredLease, Restarted, Tick};
pub use commit::{Adopt, CommitDecision, CommitRecord, Complete, DOCUMENT_LIMIT, Withdraw, Withdrawal};
pub use forget::{Forget, ForgetReply};
pub use launch::{Launch, LaunchCounts, LaunchPart, LaunchTask};
pub use policy::Policy;
pub use rebuilt::Rebuilt;
pub use refusal::Refusal;
pub use steer::{Adjust, Cancel, Drain, Pause, Resume, RetryFailed};
pub use sync::{Grant, Sync, Synced};
