//! For tests of this and other crates: a store with faults, and the suite that every backend runs.
