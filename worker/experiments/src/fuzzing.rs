//! What puts the right digest to a changed checkpoint, so that its readers are reached: `tests/fuzz` calls it.

pub use crate::checkpoint::resealed;
