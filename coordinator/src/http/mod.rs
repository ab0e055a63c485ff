//! The side port: `/livez`, `/readyz` and `/metrics` over plain HTTP, for what keeps the coordinator running.
//!
//! It knows no callers and holds no secrets: no ids, parameters or addresses, only counts; the ids of some sweeps and workers where an
//! operator asks for them. It is for the inside of the cluster all the same. It is open before the coordinator serves, so that a standby can be told from a dead process:
//! what the process does at the moment is its [`ServingStatus`], which whoever starts it says through a watch.
//!
//! How connections come in and end is in [`connections`], for whoever else answers over HTTP: the board.
//!
//! Start reading in [`SidePort`]; what is answered is in [`routes`], the numbers are in [`metrics`].

mod connections;
mod exposition;
mod metrics;
mod port;
mod routes;
mod serving_status;

pub use connections::{ConnectionRules, accept};
pub use metrics::{MetricSources, NamedInMetrics};
pub use port::SidePort;
pub use serving_status::ServingStatus;
