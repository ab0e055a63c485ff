//! The ledger: what is launched, queued, leased, committed and failed, and every decision about it.
//!
//! Pure: [`decide`] looks at the ledger, the time and a command and answers with events and a reply, or refuses;
//! [`Ledger::apply`] is the only thing that changes a ledger, in service and in replay alike; [`Ledger::audit`] says
//! whether what must hold does. No I/O, no clock, no randomness: the time and fresh ids are arguments.
//!
//! Where to start reading: [`command`] is what can be asked, [`decide`] how it is answered, [`event`] what then has
//! happened, [`Ledger`] what is known, [`view`] how others look at it.

pub mod attempt;
pub mod command;
mod decide;
pub mod event;
pub mod forecast;
mod ledger;
pub mod lookup;
pub mod pending_reason;
pub mod phase;
pub mod view;
pub mod why;

pub use decide::{Decided, Decision, Request, decide};
pub use event::Event;
pub use ledger::Ledger;
pub use ledger::audit::Violation;
pub use ledger::snapshot::{InvalidSnapshot, Snapshot};
