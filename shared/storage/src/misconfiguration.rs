//! Settings of a store beside its URL that are missing or wrong.

use std::path::PathBuf;

/// Whose kind of store it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// S3, and whatever speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

/// A setting of a store that is missing or wrong. None of them holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misconfiguration {
    /// Azure isn't told the account.
    #[error("no account is set")]
    NoAccount,
    /// S3 is told neither a region nor an endpoint.
    #[error("no region is set, and no endpoint")]
    NoRegion,
    /// There is a token file, and no role for it.
    #[error("AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not")]
    NoRole,
    /// Of an access key and its secret one is missing.
    #[error("there is half of a key: {missing} is missing")]
    HalfAKey {
        /// The variable that isn't set.
        missing: &'static str,
        /// The one that is.
        given: &'static str,
    },
    /// The library refuses what it is given.
    #[error("{message}")]
    Rejected {
        /// Whose settings they are.
        provider: Provider,
        /// The library's words.
        message: String,
    },
    /// A variable that should name a proxy doesn't.
    #[error("{variable} names no proxy: {why}")]
    Proxy {
        /// The variable, or words for it.
        variable: String,
        /// The error in its value, which may hold a password and isn't repeated.
        why: &'static str,
    },
    /// A file of certificates can't be used.
    #[error("the certificates of {variable}, {file}: {why}")]
    Certificates {
        /// The variable that names the file.
        variable: &'static str,
        /// The file.
        file: String,
        /// The error in it.
        why: String,
    },
    /// An endpoint is no address of a server.
    #[error("{setting} is `{endpoint}`, which is no address of a server")]
    Endpoint {
        /// The setting that names it.
        setting: String,
        /// Its value.
        endpoint: String,
    },
    /// The profile that is named isn't there.
    #[error("AWS_PROFILE names the profile `{name}`, which is in none of {}", shown(files))]
    NoProfile {
        /// Its name.
        name: String,
        /// The files that were looked into.
        files: Vec<PathBuf>,
    },
    /// The profile gets its credentials in a way that only the vendor's own tools know.
    #[error("profile `{name}` gets its credentials by `{how}`, which Basin can't")]
    ForeignProfile {
        /// Its name.
        name: String,
        /// The setting that says so.
        how: &'static str,
    },
    /// A file of profiles can't be read.
    #[error("{} can't be read: {why}", file.display())]
    ProfileFile {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
}

fn shown(files: &[PathBuf]) -> String {
    files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}
