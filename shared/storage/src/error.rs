//! Errors of a store, as situations.

use std::path::PathBuf;

use basin_domain::id::{LeaseId, TaskId};

use crate::misconfiguration::Misconfiguration;
use crate::server_error::ServerError;

/// An error underneath.
pub type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Why a call to a store failed.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There is nothing at this key.
    #[error("{store} has nothing at `{key}`")]
    NotFound {
        /// The store's URL.
        store: String,
        /// The key.
        key: String,
    },
    /// Something is at this key already.
    #[error("{store} already has something at `{key}`")]
    AlreadyExists {
        /// The store's URL.
        store: String,
        /// The key.
        key: String,
        /// The store's answer.
        #[source]
        source: Cause,
    },
    /// The object isn't what belongs there.
    #[error("`{key}` in {store} is damaged: {why}")]
    Corrupt {
        /// The store's URL.
        store: String,
        /// The key.
        key: String,
        /// The defect.
        why: String,
    },
    /// The store can't be written (or read) by this user.
    #[error("no permission for {}", place(store, key))]
    Denied {
        /// The store's URL.
        store: String,
        /// The key; empty for the store itself.
        key: String,
        /// The store's answer.
        #[source]
        source: Cause,
    },
    /// No space is left, or a quota is reached.
    #[error("{store} is full: `{key}` could not be written")]
    Full {
        /// The store's URL.
        store: String,
        /// The key.
        key: String,
        /// The store's answer.
        #[source]
        source: Cause,
    },
    /// The store didn't do it in any of several tries.
    #[error("{store} is unavailable: `{key}` failed {tries} times")]
    Unavailable {
        /// The store's URL.
        store: String,
        /// The key.
        key: String,
        /// How often it was tried.
        tries: u32,
        /// The last error.
        #[source]
        source: Cause,
    },
    /// The store can't do this at all.
    #[error("{store} doesn't support what `{key}` needs")]
    NotSupported {
        /// The store's URL.
        store: String,
        /// The key.
        key: String,
        /// The store's answer.
        #[source]
        source: Cause,
    },
    /// Whether the commit is in the store can't be told: it may be, or may yet appear. Nothing of the attempt may be
    /// deleted; ask again later with [`crate::Store::read_commit`].
    #[error("{store} left it open whether task {task} was committed, after {tries} tries")]
    CommitInDoubt {
        /// The store's URL.
        store: String,
        /// The task.
        task: TaskId,
        /// How often it was tried.
        tries: u32,
        /// The last error.
        #[source]
        source: Cause,
    },
    /// The attempt's commit was there and was withdrawn: it never counts again.
    #[error("{store} has the commit of task {task} under lease {lease} withdrawn")]
    Withdrawn {
        /// The store's URL.
        store: String,
        /// The task.
        task: TaskId,
        /// The lease.
        lease: LeaseId,
    },
    /// The commit can't be withdrawn, since the store would let others be written over by it.
    #[error(
        "{store} doesn't say whether an object is still the one that was read, so nothing can be withdrawn there"
    )]
    NotWithdrawable {
        /// The store's URL.
        store: String,
    },
    /// The text isn't a store's address.
    #[error("`{url}` is not a store: {why}")]
    BadUrl {
        /// The given text.
        url: String,
        /// The defect.
        why: String,
    },
    /// A file is where the store's folder, or one around it, should be.
    #[error("`{url}` can't be a store: {} is a file, and a folder is needed", file.display())]
    NotAFolder {
        /// The store's URL.
        url: String,
        /// The file.
        file: PathBuf,
    },
    /// No kind of store goes by this scheme.
    #[error("`{url}` is not a store: the scheme `{scheme}` is unknown")]
    UnknownScheme {
        /// The given text.
        url: String,
        /// Its scheme.
        scheme: String,
    },
    /// There is no store at this address yet.
    #[error("there is no store at {url}")]
    NoStore {
        /// The store's URL.
        url: String,
    },
    /// The store is at an address where there is no bucket (or container) of this name.
    #[error("there is no bucket for {store}")]
    NoBucket {
        /// The store's URL.
        store: String,
        /// The store's answer.
        #[source]
        source: Cause,
    },
    /// Nothing says who asks.
    #[error("there are no credentials for {store}")]
    NoCredentials {
        /// The store's URL.
        store: String,
        /// Where they were looked for last, and what came of it.
        #[source]
        source: Cause,
    },
    /// A setting that the store needs beside its URL is missing or wrong.
    #[error("the store {store} can't be opened: {problem}")]
    Unconfigured {
        /// The store's URL.
        store: String,
        /// The setting.
        problem: Misconfiguration,
    },
    /// The store refuses the call, and would refuse it again.
    #[error("{store} refuses `{key}`")]
    Refused {
        /// The store's URL.
        store: String,
        /// The key.
        key: String,
        /// The store's answer.
        #[source]
        source: Cause,
    },
    /// The text can't be a key: it could leave the store's prefix, or some store can't hold it.
    #[error("`{key}` is not a key: {why}")]
    InvalidKey {
        /// The given text, shortened.
        key: String,
        /// The defect.
        why: &'static str,
    },
    /// A manifest without an artifact that every committed task has.
    #[error("the attempt at task {task} made no `{name}`")]
    MissingArtifact {
        /// The task.
        task: TaskId,
        /// The artifact that isn't there.
        name: String,
    },
    /// A file beside the store can't be read or written.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file beside the store has other contents than were expected.
    #[error("{} has other contents than expected: {why}", path.display())]
    OtherContents {
        /// The file.
        path: PathBuf,
        /// The difference.
        why: String,
    },
}

impl StorageError {
    /// Whether what was named can't be used, rather than that it doesn't answer: a matter of settings.
    pub fn is_misconfiguration(&self) -> bool {
        matches!(
            self,
            Self::BadUrl { .. }
                | Self::NotAFolder { .. }
                | Self::UnknownScheme { .. }
                | Self::NoStore { .. }
                | Self::NoBucket { .. }
                | Self::NoCredentials { .. }
                | Self::Unconfigured { .. }
                | Self::Denied { .. }
                | Self::Refused { .. }
                | Self::File { .. }
        )
    }

    /// Whether the same call may succeed later without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::CommitInDoubt { .. })
    }

    /// Whether there is nothing at the key.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// The server's answer that the error comes from, if it comes from one.
    pub fn server_error(&self) -> Option<&ServerError> {
        std::error::Error::source(self)?.downcast_ref::<ServerError>()
    }
}

/// An object of a store, or the store itself.
fn place(store: &str, key: &str) -> String {
    if key.is_empty() { store.to_owned() } else { format!("`{key}` in {store}") }
}
