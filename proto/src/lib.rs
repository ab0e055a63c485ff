//! The wire protocol: the generated messages and services, and **every** conversion between them and the domain.
//!
//! Messages that arrive are not trusted: each conversion from the wire checks, and names the field that it refuses. Here is also the one
//! place that dials ([`dial`]): tools and workers reach a coordinator in the same way. This crate knows the domain, the traces that calls are part of
//! ([`call_span`]), and nothing else of ours. `generated/` is made of the `.proto` files by `generator`. Start reading in `basin.proto`; the conversions are in [`convert`], of live series in [`live_series`].

pub mod call_span;
pub mod codes;
pub mod convert;
pub mod dial;
pub mod hint;
pub mod live_series;
pub mod outage;
pub mod standby;
pub mod task_log;
pub mod tls;

/// The version of the protocol between workers and coordinator. Version 2: a caller that is told to wait
/// ([`RETRY_AFTER_KEY`]) waits and calls again, and a worker whose token is refused looks for a new one.
pub const PROTOCOL: u32 = 2;

/// The oldest version of the protocol that a coordinator still serves, so that workers can be replaced after it, one by one.
pub const OLDEST_PROTOCOL: u32 = 1;

/// The greatest message that either side sends or accepts, in bytes.
pub const MESSAGE_LIMIT: usize = 32 << 20;

/// All calls of all services, by their paths.
pub const CALLS: &[&str] = include!("generated/calls.rs");

/// The metadata key under which a caller who calls too often hears how long to wait, in milliseconds; gRPC's own name for it.
pub const RETRY_AFTER_KEY: &str = "grpc-retry-pushback-ms";

/// How long a refused caller should wait before the same call is tried again, if it should be.
pub fn retry_after(status: &tonic::Status) -> Option<std::time::Duration> {
    let text = status.metadata().get(RETRY_AFTER_KEY)?.to_str().ok()?;
    text.parse().ok().map(std::time::Duration::from_millis)
}

/// The messages and services of `basin.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, unused_qualifications)]
pub mod v1 {
    include!("generated/basin.v1.rs");
}

/// The messages of `executor.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, unused_qualifications)]
pub mod executor {
    include!("generated/basin.executor.v1.rs");
}
