//! What can go wrong with a store, as situations.

use std::io::ErrorKind;
use std::path::PathBuf;

use basin_domain::error_chain;
use basin_domain::id::{LeaseId, TaskId};
use basin_domain::outage::{Outage, OutageKind};

use crate::backend::{self, NoCredentials};
use crate::server_error::{ErrorClass, ServerError};

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
        /// What the store said.
        #[source]
        source: Cause,
    },
    /// What lies there isn't what belongs there.
    #[error("`{key}` in {store} is damaged: {why}")]
    Corrupt {
        /// The store's URL.
        store: String,
        /// The key.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// The store can't be written (or read) by this user.
    #[error("no permission for {}", place(store, key))]
    Denied {
        /// The store's URL.
        store: String,
        /// The key; empty for the store itself.
        key: String,
        /// What the store said.
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
        /// What the store said.
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
        /// What the store said.
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
    /// What lies there can't be taken back, since the store would let others be written over by it.
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
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// No kind of store goes by this scheme.
    #[error("`{url}` is not a store: the scheme `{scheme}` is unknown")]
    UnknownScheme {
        /// What was given.
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
        /// What the store said.
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
    /// What the store needs beside its URL is missing or wrong.
    #[error("the store {store} can't be opened: {what}")]
    Unconfigured {
        /// The store's URL.
        store: String,
        /// What is missing or wrong.
        what: String,
        /// What to do about it.
        hint: String,
    },
    /// The store refuses the call, and would refuse it again.
    #[error("{store} refuses `{key}`")]
    Refused {
        /// The store's URL.
        store: String,
        /// The key.
        key: String,
        /// What the store said.
        #[source]
        source: Cause,
    },
    /// The text can't be a key: it could leave the store's prefix, or some store can't hold it.
    #[error("`{key}` is not a key: {why}")]
    InvalidKey {
        /// What was given, shortened.
        key: String,
        /// What is wrong with it.
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
        /// What differs.
        why: String,
    },
}

impl StorageError {
    /// What a person can do about it, where it can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Denied { store, source, .. } => Some(match (folder_of(store), server_hint(source)) {
                (Some(folder), _) => format!("make {} writable, or {ELSEWHERE}", folder.display()),
                (None, Some(hint)) => hint.to_owned(),
                (None, None) => {
                    format!("check the credentials and what they may (read, write, list, delete), or {ELSEWHERE}")
                }
            }),
            Self::Refused { source, .. } => Some(server_hint(source).unwrap_or("`basin doctor` checks the store").to_owned()),
            Self::NoBucket { store, .. } => Some(match scheme(store) {
                "s3" => "make the bucket (`aws s3 mb s3://NAME`), or check its name and AWS_ENDPOINT_URL".to_owned(),
                "az" => "make the container, or check its name and AZURE_STORAGE_ACCOUNT_NAME".to_owned(),
                _ => "make the bucket, or check its name".to_owned(),
            }),
            Self::NoCredentials { store, .. } => Some(match scheme(store) {
                "s3" => "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE to a profile of \
                         ~/.aws/credentials"
                    .to_owned(),
                "gs" => "set GOOGLE_APPLICATION_CREDENTIALS to a file of credentials".to_owned(),
                _ => "set AZURE_STORAGE_ACCOUNT_KEY or another of Azure's credentials".to_owned(),
            }),
            Self::Unconfigured { hint, .. } => Some(hint.clone()),
            Self::Full { store, .. } => Some(match folder_of(store) {
                Some(folder) => format!("make space for {}, or {ELSEWHERE}", folder.display()),
                None => format!("raise the quota, or {ELSEWHERE}"),
            }),
            Self::Unavailable { store, .. } => Some(match scheme(store) {
                "s3" => "check AWS_ENDPOINT_URL and the network; `basin doctor` checks the store, and the call can be repeated".to_owned(),
                _ => "`basin doctor` checks the store; the call can be repeated".to_owned(),
            }),
            Self::CommitInDoubt { .. } => Some(
                "nothing is lost: the commit is looked for again before the task is given out".to_owned(),
            ),
            Self::BadUrl { .. } | Self::UnknownScheme { .. } => {
                Some(format!("a store is a folder's path, or one of: {}", backend::examples()))
            }
            Self::NoStore { .. } => {
                Some("check the address; a store is made by the first sweep that runs".to_owned())
            }
            Self::Corrupt { key, .. } if key.starts_with("tasks/") => Some(
                "`basin verify SWEEP` lists what is damaged; `basin repair SWEEP` withdraws it, so that it runs again"
                    .to_owned(),
            ),
            Self::Corrupt { key, .. } if key.starts_with("sweeps/") => {
                Some("launching the sweep file again writes it anew".to_owned())
            }
            Self::Corrupt { key, .. } if key.starts_with("datasets/") => {
                Some("`basin data import NAME PATH` writes it anew".to_owned())
            }
            Self::NotWithdrawable { .. } => {
                Some("let its coordinator do it: `basin repair SWEEP --coordinator URL`".to_owned())
            }
            Self::NotSupported { .. } => Some("`basin doctor` says what this store can do".to_owned()),
            Self::Corrupt { .. }
            | Self::Withdrawn { .. }
            | Self::NotFound { .. }
            | Self::AlreadyExists { .. }
            | Self::InvalidKey { .. }
            | Self::MissingArtifact { .. }
            | Self::File { .. }
            | Self::OtherContents { .. } => None,
        }
    }

    /// Whether what was named can't be used, rather than that it doesn't answer: a matter of settings.
    pub fn is_misconfiguration(&self) -> bool {
        matches!(
            self,
            Self::BadUrl { .. }
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

    /// The outage that the error comes from: nobody's fault, and worth waiting for, be it until a person has mended it.
    pub fn outage(&self) -> Option<Outage> {
        let kind = match self {
            Self::Unavailable { source, .. } | Self::CommitInDoubt { source, .. } => {
                match server_error_of(source) {
                    Some(answer) if answer.is_throttling() => OutageKind::Throttled,
                    Some(_) | None => OutageKind::Unreachable,
                }
            }
            Self::Full { .. } => OutageKind::Full,
            Self::Denied { source, .. } => match server_error_of(source) {
                Some(answer) if answer.is_about_credentials() => OutageKind::Credentials,
                None if io_kind(&**source) == Some(ErrorKind::ReadOnlyFilesystem) => OutageKind::ReadOnly,
                Some(_) | None => OutageKind::Denied,
            },
            Self::NoCredentials { .. } => OutageKind::Credentials,
            // A bucket that was there when the worker came is gone, or hidden.
            Self::NoBucket { .. } => OutageKind::Denied,
            Self::File { source, .. } if is_local_outage(source.kind()) => OutageKind::LocalDisk,
            Self::NotFound { .. }
            | Self::AlreadyExists { .. }
            | Self::Corrupt { .. }
            | Self::NotSupported { .. }
            | Self::BadUrl { .. }
            | Self::UnknownScheme { .. }
            | Self::NoStore { .. }
            | Self::Unconfigured { .. }
            | Self::Refused { .. }
            | Self::InvalidKey { .. }
            | Self::MissingArtifact { .. }
            | Self::File { .. }
            | Self::Withdrawn { .. }
            | Self::NotWithdrawable { .. }
            | Self::OtherContents { .. } => return None,
        };
        // The layers between say the same again.
        let last =
            std::error::Error::source(self).map(|cause| format!(": {}", error_chain::root_cause(cause)));
        Some(Outage::new(kind, format!("{self}{}", last.unwrap_or_default())))
    }

    /// Whether there is nothing at the key.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// The situation that an error of `object_store` stands for, after one try.
    pub(crate) fn of_store(store: &str, key: &str, error: object_store::Error) -> Self {
        let (store, key) = (store.to_owned(), key.to_owned());
        if is_without_credentials(&error) {
            return Self::NoCredentials { store, source: error_chain::root_cause(&error).into() };
        }
        if let Some(answer) = ServerError::of(&error) {
            return Self::from_server(store, key, answer);
        }
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound { store, key },
            object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. } => {
                Self::AlreadyExists { store, key, source: error.into() }
            }
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Self::Denied { store, key, source: error.into() }
            }
            object_store::Error::NotSupported { .. } | object_store::Error::NotImplemented { .. } => {
                Self::NotSupported { store, key, source: error.into() }
            }
            object_store::Error::InvalidPath { .. } => {
                Self::InvalidKey { key, why: "the store doesn't take it" }
            }
            // The enum is open: what isn't known may pass, and is tried a few times only.
            _ => match io_kind(&error) {
                Some(ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
                    Self::Denied { store, key, source: error.into() }
                }
                Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                    Self::Full { store, key, source: error.into() }
                }
                // Whatever space there is, it never fits.
                Some(ErrorKind::FileTooLarge) => Self::Refused { store, key, source: error.into() },
                Some(ErrorKind::Unsupported) => Self::NotSupported { store, key, source: error.into() },
                // Of the layers above all say the same, some with the whole address.
                _ => {
                    Self::Unavailable { store, key, tries: 1, source: error_chain::root_cause(&error).into() }
                }
            },
        }
    }

    /// The situation that a server's answer stands for.
    fn from_server(store: String, key: String, answer: ServerError) -> Self {
        match answer.class() {
            ErrorClass::NotFound => Self::NotFound { store, key },
            ErrorClass::NoBucket => Self::NoBucket { store, source: answer.into() },
            ErrorClass::Exists => Self::AlreadyExists { store, key, source: answer.into() },
            ErrorClass::Denied => Self::Denied { store, key, source: answer.into() },
            ErrorClass::Full => Self::Full { store, key, source: answer.into() },
            ErrorClass::NotSupported => Self::NotSupported { store, key, source: answer.into() },
            ErrorClass::Refused => Self::Refused { store, key, source: answer.into() },
            ErrorClass::Transient => Self::Unavailable { store, key, tries: 1, source: answer.into() },
        }
    }

    /// The same error of a call without a condition: that something is in the way (409) passes.
    pub(crate) fn without_condition(self) -> Self {
        match self {
            Self::AlreadyExists { store, key, source } => Self::Unavailable { store, key, tries: 1, source },
            other => other,
        }
    }
}

/// How a person chooses another store.
const ELSEWHERE: &str = "choose another store with `--store` or `BASIN_STORE`";

/// An object of a store, or the store itself.
fn place(store: &str, key: &str) -> String {
    if key.is_empty() { store.to_owned() } else { format!("`{key}` in {store}") }
}

/// What a server's answer says to do.
fn server_hint(source: &Cause) -> Option<&'static str> {
    server_error_of(source)?.hint()
}

/// The server's answer, if an error comes from one.
fn server_error_of(source: &Cause) -> Option<&ServerError> {
    source.downcast_ref::<ServerError>()
}

/// Whether a file of this machine can't be written for a reason that has nothing to do with the file.
pub fn is_local_outage(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::PermissionDenied
    )
}

fn scheme(url: &str) -> &str {
    url.split_once("://").map_or("", |(scheme, _)| scheme)
}

/// Whether a call failed because nobody gives credentials.
fn is_without_credentials(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(<dyn std::error::Error>::is::<NoCredentials>)
}

/// The folder that a store's URL names, if it names one.
fn folder_of(url: &str) -> Option<PathBuf> {
    url::Url::parse(url).ok().filter(|url| url.scheme() == "file")?.to_file_path().ok()
}

/// The kind of the I/O error at the bottom of `error`, if there is one.
fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The outage that a server's answer to a write stands for.
    fn of_answer(status: &str, code: &str) -> Option<OutageKind> {
        let source =
            format!("Server returned non-2xx status code: {status}: <Error><Code>{code}</Code></Error>");
        let error = object_store::Error::Generic { store: "S3", source: source.into() };
        StorageError::of_store("s3://b", "k", error).outage().map(|outage| outage.kind)
    }

    /// The outage that an error of a local file system stands for.
    fn of_io(kind: ErrorKind) -> Option<OutageKind> {
        let error = object_store::Error::Generic { store: "file", source: std::io::Error::from(kind).into() };
        StorageError::of_store("file:///s", "k", error).outage().map(|outage| outage.kind)
    }

    #[test]
    fn an_outage_says_once_what_the_matter_is() {
        let io = std::io::Error::from(ErrorKind::StorageFull);
        let error = object_store::Error::Generic { store: "file", source: io.into() };
        let outage = StorageError::of_store("file:///s", "k", error).outage().unwrap();
        assert_eq!(outage.message, "file:///s is full: `k` could not be written: no storage space");
    }

    #[test]
    fn what_is_nobodys_fault_is_an_outage_of_its_kind_and_what_would_stay_is_none() {
        use OutageKind::{Credentials, Denied, Full, ReadOnly, Throttled, Unreachable};
        for (status, code, expected) in [
            ("507 Insufficient Storage", "", Some(Full)),
            ("403 Forbidden", "QuotaExceeded", Some(Full)),
            ("400 Bad Request", "InsufficientStorage", Some(Full)),
            ("403 Forbidden", "AccessDenied", Some(Denied)),
            ("404 Not Found", "NoSuchBucket", Some(Denied)),
            ("400 Bad Request", "ExpiredToken", Some(Credentials)),
            ("403 Forbidden", "InvalidAccessKeyId", Some(Credentials)),
            ("401 Unauthorized", "", Some(Credentials)),
            ("503 Slow Down", "SlowDown", Some(Throttled)),
            ("429 Too Many Requests", "", Some(Throttled)),
            ("503 Service Unavailable", "", Some(Unreachable)),
            ("500 Internal Server Error", "InternalError", Some(Unreachable)),
            ("404 Not Found", "NoSuchKey", None),
            ("413 Payload Too Large", "", None),
            ("400 Bad Request", "EntityTooLarge", None),
            ("501 Not Implemented", "NotImplemented", None),
        ] {
            assert_eq!(of_answer(status, code), expected, "{status} {code}");
        }
        for (kind, expected) in [
            (ErrorKind::StorageFull, Some(Full)),
            (ErrorKind::QuotaExceeded, Some(Full)),
            (ErrorKind::ReadOnlyFilesystem, Some(ReadOnly)),
            (ErrorKind::PermissionDenied, Some(Denied)),
            (ErrorKind::ConnectionRefused, Some(Unreachable)),
            (ErrorKind::FileTooLarge, None),
        ] {
            assert_eq!(of_io(kind), expected, "{kind}");
        }
        let beside = |kind: ErrorKind| StorageError::File { path: "/t".into(), source: kind.into() }.outage();
        assert_eq!(beside(ErrorKind::StorageFull).map(|outage| outage.kind), Some(OutageKind::LocalDisk));
        assert_eq!(beside(ErrorKind::NotFound), None);
    }
}
