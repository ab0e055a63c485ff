//! What ends an agent.

use basin_storage::StorageError;

/// Why an agent can't start or go on.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The coordinator's address is none.
    #[error("`{url}` is no address of a coordinator")]
    BadAddress {
        /// What was given.
        url: String,
        /// What is wrong with it.
        #[source]
        source: tonic::transport::Error,
    },
    /// The coordinator speaks another version of the protocol, or doesn't want this worker.
    #[error("the coordinator at {url} refused this worker: {message}")]
    Refused {
        /// The coordinator.
        url: String,
        /// Its words.
        message: String,
    },
    /// No coordinator answered.
    #[error("no coordinator answers at {url}: {why}")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// The innermost cause of the last failure.
        why: String,
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
