//! Who may call a coordinator, with real processes: TLS, tokens, roles, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

mod connecting;
mod documentation;
mod refusals;
mod renewal;
mod secrets;
mod site;
mod tls;

use basin_tests::Fits;

const SWEEP: Fits<'static> = Fits { name: "trusted", points: 64, hidden: &[16], seeds: 4, epochs: 200 };
