//! The pages: one file a page, each from what is known to what is shown.

pub(crate) mod common;
pub(crate) mod events;
pub(crate) mod failures;
pub(crate) mod latencies;
mod losses;
pub(crate) mod points;
pub(crate) mod results;
pub(crate) mod sign_in;
mod source;
pub(crate) mod steering;
pub(crate) mod stream;
pub(crate) mod sweep;
pub(crate) mod sweeps;
pub(crate) mod task;
pub(crate) mod tasks;
pub(crate) mod workers;
