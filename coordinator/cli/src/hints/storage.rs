//! Stores that can't be used, and what lies in them damaged.

use std::path::PathBuf;

use basin_domain::proxy;
use basin_storage::{Misconfiguration, Provider, ServerError, StorageError};

/// How another store is chosen.
const ELSEWHERE: &str = "choose another store with `--store` or `BASIN_STORE`";

/// The hint for an error of a store.
pub(crate) fn storage(error: &StorageError) -> Option<String> {
    let server = || error.server_error().and_then(server);
    let hint = match error {
        StorageError::Denied { store, .. } => match (folder_of(store), server()) {
            (Some(folder), _) => format!("make {} writable, or {ELSEWHERE}", folder.display()),
            (None, Some(hint)) => hint.to_owned(),
            (None, None) => {
                format!("check the credentials and what they may (read, write, list, delete), or {ELSEWHERE}")
            }
        },
        StorageError::Refused { .. } => server().unwrap_or("`basin doctor` checks the store").to_owned(),
        StorageError::NoBucket { store, .. } => match scheme(store) {
            "s3" => "make the bucket (`aws s3 mb s3://NAME`), or check its name and AWS_ENDPOINT_URL",
            "az" => "make the container, or check its name and AZURE_STORAGE_ACCOUNT_NAME",
            _ => "make the bucket, or check its name",
        }
        .to_owned(),
        StorageError::NoCredentials { store, .. } => match scheme(store) {
            "s3" => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE to a profile of \
                 ~/.aws/credentials"
            }
            "gs" => "set GOOGLE_APPLICATION_CREDENTIALS to a file of credentials",
            _ => "set AZURE_STORAGE_ACCOUNT_KEY or another of Azure's credentials",
        }
        .to_owned(),
        StorageError::Unconfigured { problem, .. } => misconfiguration(problem),
        StorageError::Full { store, .. } => match folder_of(store) {
            Some(folder) => format!("make space for {}, or {ELSEWHERE}", folder.display()),
            None => format!("raise the quota, or {ELSEWHERE}"),
        },
        StorageError::Unavailable { store, .. } => match scheme(store) {
            "s3" => {
                "check AWS_ENDPOINT_URL and the network; `basin doctor` checks the store, and the call can be repeated"
            }
            _ => "`basin doctor` checks the store; the call can be repeated",
        }
        .to_owned(),
        StorageError::CommitInDoubt { .. } => {
            "nothing is lost: the commit is looked for again before the task is given out".to_owned()
        }
        StorageError::BadUrl { .. } | StorageError::UnknownScheme { .. } => {
            format!("a store is a folder's path, or one of: {}", basin_storage::backend::examples())
        }
        StorageError::NotAFolder { .. } => {
            "name a folder with `--state DIR` or `--store DIR`; it is made if it isn't there".to_owned()
        }
        StorageError::NoStore { .. } => {
            "check the address; a store is made by the first sweep that runs".to_owned()
        }
        StorageError::Corrupt { key, .. } => return damaged(key).map(str::to_owned),
        StorageError::NotWithdrawable { .. } => {
            "let its coordinator do it: `basin repair SWEEP --coordinator URL`".to_owned()
        }
        StorageError::NotSupported { .. } => "`basin doctor` says what this store can do".to_owned(),
        StorageError::Withdrawn { .. }
        | StorageError::NotFound { .. }
        | StorageError::AlreadyExists { .. }
        | StorageError::InvalidKey { .. }
        | StorageError::MissingArtifact { .. }
        | StorageError::File { .. }
        | StorageError::OtherContents { .. } => return None,
    };
    Some(hint)
}

/// The hint for a damaged object, by what it belongs to.
fn damaged(key: &str) -> Option<&'static str> {
    match key.split_once('/')?.0 {
        "tasks" => Some(
            "`basin verify SWEEP` lists what is damaged; `basin repair SWEEP` withdraws it, so that it runs again",
        ),
        "sweeps" => Some("launching the sweep file again writes it anew"),
        "datasets" => Some("`basin data import NAME PATH` writes it anew"),
        _ => None,
    }
}

/// The hint for a server's answer, where it says more than its class.
fn server(answer: &ServerError) -> Option<&'static str> {
    match (answer.status, answer.code.as_str()) {
        (_, "InvalidAccessKeyId") => Some("the server doesn't know the access key: check key and endpoint"),
        (_, "SignatureDoesNotMatch") => Some("the secret key doesn't fit the access key"),
        (_, "RequestTimeTooSkewed") => {
            Some("the clocks of this machine and the server disagree: set this one's")
        }
        (_, "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired") => {
            Some("the credentials have run out: get new ones")
        }
        (_, "AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException")
        | (300..=399, _) => Some("the bucket is in another region or at another endpoint: check AWS_REGION"),
        (_, "InvalidBucketName") => Some("the server doesn't take this name for a bucket"),
        _ => None,
    }
}

/// The hint for settings of a store that are missing or wrong.
fn misconfiguration(problem: &Misconfiguration) -> String {
    match problem {
        Misconfiguration::NoAccount => {
            "set AZURE_STORAGE_ACCOUNT_NAME to the account that has the container".to_owned()
        }
        Misconfiguration::Rejected { provider, .. } => match provider {
            Provider::S3 => "check the `AWS_…` variables",
            Provider::Google => {
                "set GOOGLE_APPLICATION_CREDENTIALS to a file of credentials, or run \
                 `gcloud auth application-default login`"
            }
            Provider::Azure => "check the `AZURE_STORAGE_…` variables",
        }
        .to_owned(),
        Misconfiguration::Proxy { .. } => {
            format!("a proxy is named like {}; unset the variable to go without one", proxy::EXAMPLE)
        }
        Misconfiguration::Certificates { variable, .. } => {
            format!("{variable} names a file of certificates in PEM form")
        }
        Misconfiguration::Endpoint { .. } => {
            "an endpoint looks like https://storage.example.org or http://127.0.0.1:9000".to_owned()
        }
        Misconfiguration::HalfAKey { missing, given } => format!("set both {missing} and {given}, or neither"),
        Misconfiguration::NoRole => "set AWS_ROLE_ARN to the role that the token stands for".to_owned(),
        Misconfiguration::NoRegion => {
            "set AWS_REGION to the bucket's region, or AWS_ENDPOINT_URL to the address of a server other than AWS"
                .to_owned()
        }
        Misconfiguration::NoProfile { name, .. } => {
            format!("add a section `[{name}]` with its keys there, or unset AWS_PROFILE")
        }
        Misconfiguration::ForeignProfile { name, .. } => {
            format!("run `eval \"$(aws configure export-credentials --profile {name} --format env)\"` first")
        }
        Misconfiguration::ProfileFile { .. } => {
            "make it readable, or name another file with AWS_SHARED_CREDENTIALS_FILE or AWS_CONFIG_FILE"
                .to_owned()
        }
    }
}

fn scheme(url: &str) -> &str {
    url.split_once("://").map_or("", |(scheme, _)| scheme)
}

/// The folder that a store's URL names, if it names one.
fn folder_of(url: &str) -> Option<PathBuf> {
    url::Url::parse(url).ok().filter(|url| url.scheme() == "file")?.to_file_path().ok()
}
