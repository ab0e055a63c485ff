//! Stories about the ledger: what is asked, what happens, and that nothing else does.

#![allow(clippy::unwrap_used, reason = "what a story takes for granted ends it")]

mod attempt_end;
mod dependencies;
mod exiting;
mod fair_queue;
mod forecast;
mod forgetting;
mod launching;
mod leasing;
mod parts;
mod placement;
mod properties;
mod rebuilding;
mod restarting;
mod sharing;
mod steering;
mod story;
mod withdrawing;
mod workers;
