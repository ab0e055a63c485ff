//! A request to the ledger, and what a decision about it is.

use basin_domain::time::Timestamp;

use crate::Ledger;
use crate::command::Refusal;
use crate::event::Change;

/// Something that the ledger can be asked.
pub trait Request: Send + 'static {
    /// The answer, if it isn't refused.
    type Reply: Send + 'static;

    /// Decides about it. Nothing happens by that: the changes are the caller's to apply.
    ///
    /// # Errors
    /// A refusal.
    fn decide(self, ledger: &Ledger, now: Timestamp) -> Decision<Self::Reply>;
}

/// A decision, or a refusal with which nothing happens.
pub type Decision<R> = Result<Decided<R>, Refusal>;

/// A decision: the changes that it brings, and the reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided<R> {
    /// In the order in which they are applied.
    pub changes: Vec<Change>,
    /// The reply, once the changes are kept.
    pub reply: R,
}

/// A decision that brings these changes, and whose reply says nothing more.
pub(super) const fn done(changes: Vec<Change>) -> Decision<()> {
    Ok(Decided { changes, reply: () })
}

/// A decision that changes nothing: it was so already, or it is none of the ledger's business any more.
pub(super) const fn nothing_to_do() -> Decision<()> {
    done(Vec::new())
}
