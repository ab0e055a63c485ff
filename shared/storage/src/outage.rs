//! The errors of a store that are outages: nobody's fault, and worth waiting for.

use std::io::ErrorKind;

use basin_domain::error_chain;
use basin_domain::outage::{Outage, OutageKind};

use crate::error::StorageError;
use crate::from_object_store::io_kind;

impl StorageError {
    /// The outage that the error comes from: nobody's fault, and worth waiting for, be it until a person has mended it.
    pub fn outage(&self) -> Option<Outage> {
        let kind = self.outage_kind()?;
        // The layers between say the same again.
        let last =
            std::error::Error::source(self).map(|cause| format!(": {}", error_chain::root_cause(cause)));
        Some(Outage::new(kind, format!("{self}{}", last.unwrap_or_default())))
    }

    /// The kind of that outage.
    pub(crate) fn outage_kind(&self) -> Option<OutageKind> {
        Some(match self {
            Self::Unavailable { .. } | Self::CommitInDoubt { .. } => match self.server_error() {
                Some(answer) if answer.is_throttling() => OutageKind::Throttled,
                Some(_) | None => OutageKind::Unreachable,
            },
            Self::Full { .. } => OutageKind::Full,
            Self::Denied { source, .. } => match self.server_error() {
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
            | Self::NotAFolder { .. }
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
        })
    }
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
