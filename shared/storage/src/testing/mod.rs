//! For tests of this and other crates: a store with faults, sample objects, and the suite that every backend runs.

// What fails here fails a test, and says where.
#![allow(clippy::unwrap_used, reason = "a test's failure is its panic")]

pub mod conformance;
pub mod sample;

mod faulty;

pub use faulty::{Conditions, Fault, FaultyStore, InjectedError, Operation};
