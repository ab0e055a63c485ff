//! The wire protocol: the generated messages and services, and **every** conversion between them and the domain.
//!
//! What arrives is not trusted: each conversion from the wire checks, and names the field that it refuses. Here is also the one
//! place that dials ([`dial`]): tools and workers reach a coordinator in the same way. This crate knows the domain and nothing
//! else of ours. Start reading in `basin.proto`; the conversions are in [`convert`].

pub mod convert;
pub mod dial;
pub mod hint;
pub mod standby;
pub mod tls;

/// The version of the protocol between workers and coordinator. A coordinator serves workers of this version alone.
pub const PROTOCOL: u32 = 1;

/// The greatest message that either side sends or accepts, in bytes.
pub const MESSAGE_LIMIT: usize = 32 << 20;

/// The messages and services of `basin.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, unused_qualifications)]
pub mod v1 {
    tonic::include_proto!("basin.v1");
}

/// The messages of `executor.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, unused_qualifications)]
pub mod executor {
    tonic::include_proto!("basin.executor.v1");
}
