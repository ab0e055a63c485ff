//! The settings of a coordinator's process.

use std::net::SocketAddr;
use std::path::PathBuf;

use basin_core::command::Policy;
use basin_storage::Store;

use crate::http::NamedInMetrics;
use crate::journal::postgres::Address;
use crate::trust::{HintOf, Trust};

/// Where a journal is.
#[derive(Debug, Clone)]
pub enum JournalLocation {
    /// In a file that one coordinator has.
    File(PathBuf),
    /// In a database that several coordinators share, of which one leads.
    Database(Box<Address>),
}

impl std::fmt::Display for JournalLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Database(address) => address.fmt(f),
        }
    }
}

/// The settings of a coordinator.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Where it listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The store.
    pub store: Store,
    /// The journal.
    pub journal: JournalLocation,
    /// Where others can call it, for a standby to say; where it listens if not given.
    pub advertise: Option<String>,
    /// The ledger's policy.
    pub policy: Policy,
    /// Who may call, and how.
    pub trust: Trust,
    /// Where probes and metrics are answered, if anywhere.
    pub http: Option<SocketAddr>,
    /// How much the metrics tell by name.
    pub named_in_metrics: NamedInMetrics,
    /// The hints for callers whose calls are refused.
    pub hint_of: HintOf,
}
