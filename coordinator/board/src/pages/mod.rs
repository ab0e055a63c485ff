//! The pages: one file a page, each from what is known to what is shown.

pub(crate) mod common;
pub(crate) mod events;
pub(crate) mod sign_in;
pub(crate) mod sweeps;
pub(crate) mod workers;
