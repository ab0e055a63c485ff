//! Programs of the version before work with this one: a worker and a client that speak the protocol as it was, from its proto as it
//! was, and a coordinator whose replies were kept.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

#[cfg(test)]
mod old_coordinator;
#[cfg(test)]
mod old_peers;

/// The messages and services of the version before.
#[cfg(test)]
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, unused_qualifications)]
mod before {
    include!("before.rs");
}
