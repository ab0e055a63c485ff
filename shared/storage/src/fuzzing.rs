//! Readers of what comes from outside, for those that are called only on the way to a network: `tests/fuzz` calls them.

pub use crate::backend::fuzzing::{network_url, s3_settings};
