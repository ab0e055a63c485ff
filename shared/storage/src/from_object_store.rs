//! Errors of `object_store` as situations.

use std::io::ErrorKind;

use basin_domain::error_chain;

use crate::error::StorageError;
use crate::no_credentials::NoCredentials;
use crate::server_error::{ErrorClass, ServerError};

impl StorageError {
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

/// Whether a call failed because nobody gives credentials.
fn is_without_credentials(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(<dyn std::error::Error>::is::<NoCredentials>)
}

/// The kind of the I/O error at the bottom of `error`, if there is one.
pub(crate) fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        next = error.source();
    }
    None
}
