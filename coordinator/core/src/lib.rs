//! The ledger: what is launched, queued, leased, committed and failed, and every decision about it.
//!
//! Pure: `decide` looks at the ledger, the time and a command and answers with events and a reply, or refuses;
//! `Ledger::apply` is the only thing that changes a ledger, in service and in replay alike; `Ledger::audit` says whether
//! what must hold does. No I/O, no clock, no randomness: the time and fresh ids are arguments.
//!
//! Where to start reading: [`command`] is what can be asked, [`decide`] how it is answered, [`Ledger`] what is known.

pub mod command;
