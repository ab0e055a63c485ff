//! For tests of this and other crates: a store with faults, sample objects, and the suite that every backend runs.

// A failure here fails a test, and names its place.
#![allow(clippy::unwrap_used, reason = "a test's failure is its panic")]

pub mod conformance;
pub mod sample;

mod faulty;

pub use faulty::{Conditions, Fault, FaultyStore, InjectedError, Operation};
