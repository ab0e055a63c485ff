//! The errors that end an agent.

use basin_proto::dial::{Address, ConnectError, DialError};
use basin_storage::StorageError;

/// Why an agent can't start or go on.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The coordinator can't be dialled.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The coordinator speaks another version of the protocol, or doesn't want this worker.
    #[error("the coordinator at {address} refused this worker: {message}")]
    Refused {
        /// The coordinator.
        address: Address,
        /// Its words.
        message: String,
        /// A hint of what to do about it.
        hint: Option<String>,
    },
    /// No coordinator answered, or none that is to be trusted.
    #[error("no coordinator answers at {address}: {error}")]
    Unreachable {
        /// Where it should be.
        address: Address,
        /// Why the last try failed.
        error: ConnectError,
    },
    /// The store can't be used.
    #[error("the store {url} can't be used")]
    Store {
        /// The store.
        url: String,
        /// Why.
        #[source]
        source: StorageError,
    },
    /// The scratch or cache folder can't be made.
    #[error("the folder {path} can't be made")]
    Folder {
        /// The folder.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
