//! Stories about the ledger: what is asked, what happens, and that nothing else does.

#![allow(clippy::unwrap_used, reason = "what a story takes for granted ends it")]

mod dependencies;
mod exiting;
mod launching;
mod leasing;
mod parts;
mod placement;
mod properties;
mod restarting;
mod settling;
mod sharing;
mod steering;
mod story;
mod turns;
mod withdrawing;
mod workers;
