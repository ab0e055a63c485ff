//! Stories about the ledger: what is asked, what happens, and that nothing else does.

mod dependencies;
mod launching;
mod leasing;
mod properties;
mod restarting;
mod settling;
mod sharing;
mod steering;
mod story;
mod workers;
