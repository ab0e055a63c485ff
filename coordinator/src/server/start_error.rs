//! Why a coordinator can't start.

use std::net::SocketAddr;

use basin_storage::StorageError;

use super::settings::JournalLocation;
use crate::journal::{DecideError, JournalError};

/// Why a coordinator can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is in use, or isn't this machine's.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The side port's address is in use, or isn't this machine's.
    #[error("cannot answer probes and metrics on {address}")]
    Http {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Nothing proves who calls, so nobody but this machine may.
    #[error("{0} is not a loopback address, and without tokens this coordinator can't tell who calls")]
    WithoutTokens(SocketAddr),
    /// Tokens would travel for everybody to read.
    #[error("{0} is not a loopback address, and without TLS tokens would travel there for everybody to read")]
    WithoutTls(SocketAddr),
    /// The journal can't be used.
    #[error("cannot open the journal {journal}")]
    Journal {
        /// The journal.
        journal: JournalLocation,
        /// Why.
        #[source]
        source: JournalError,
    },
    /// The store can't be used.
    #[error("cannot use the store {url}")]
    Store {
        /// The store.
        url: String,
        /// Why.
        #[source]
        source: StorageError,
    },
    /// The ledger stopped at once.
    #[error("the ledger did not start")]
    Ledger(#[from] DecideError),
}
