//! How long a sweep still takes: what its tasks were expected to take, corrected by what those took that were worked on.
//!
//! Nothing is decided by it. [`ExpectedWork`] is brought from outside, in seconds of one slot; a [`WorkTally`] gathers from the ledger,
//! a page at a time, what is done, what is open and how long leases lasted; [`WorkTally::forecast`] puts both together. It needs no
//! memory of earlier looks: the history of attempts has all of it, so that a first look knows as much as a thousandth.

mod estimate;
mod expected_work;
mod factors;
mod makespan;
mod work_tally;

#[cfg(test)]
mod tests;

pub use estimate::{ExperimentForecast, Forecast, MeasuredWork, TimeLeft};
pub use expected_work::{ExpectedWork, TaskWork};
pub use makespan::{OpenTask, makespan};
pub use work_tally::WorkTally;
