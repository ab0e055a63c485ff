//! How requests are answered.

mod attempt_end;
mod commit;
mod eligible;
mod fair_queue;
mod fair_share;
mod find;
mod forget;
mod launch;
mod rebuilt;
mod request;
mod steer;
mod sync;
mod tick;
mod withdraw;

use basin_domain::time::Timestamp;

pub use request::{Decided, Decision, Request};

use crate::Ledger;
use crate::command::Refusal;
use crate::event::Event;

/// Decides about a request: what happens, which the caller applies (and makes durable before it answers), and the reply.
///
/// # Errors
/// A refusal, with which nothing happens.
pub fn decide<R: Request>(
    ledger: &Ledger,
    now: Timestamp,
    request: R,
) -> Result<(Vec<Event>, R::Reply), Refusal> {
    let Decided { changes, reply } = request.decide(ledger, now)?;
    Ok((changes.into_iter().map(|change| Event { at: now, change }).collect(), reply))
}
