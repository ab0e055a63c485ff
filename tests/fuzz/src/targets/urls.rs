//! The URLs of a store and of a journal, and the settings beside that of a bucket.

use basin_coordinator::journal::postgres::{Address, Environment};
use basin_storage::Store;
use basin_storage::fuzzing::{network_url, s3_settings};

use crate::parts;

/// What begins a URL with a password that must be seen nowhere.
const SECRET_URL: &str = "postgres://u:hunter2hunter2@";

/// The URL of a store.
pub(super) fn read_store(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let is_on_network = ["s3://", "gs://", "az://"].iter().any(|scheme| text.starts_with(scheme));
    if !is_on_network {
        return Store::open_existing(text).is_ok();
    }
    let Ok(url) = network_url(text) else { return false };
    assert_eq!(network_url(&url).ok().as_ref(), Some(&url), "it is as short as it can be written");
    true
}

/// The URL of a journal.
pub(super) fn read_journal(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let environment = Environment {
        passwords: Some("*:*:*:u:other".to_owned()),
        sslmode: Some("verify-full".to_owned()),
        ..Environment::default()
    };
    let plain = Address::parse(text, &Environment::default());
    let _ = Address::parse(text, &environment);
    let shown = match &plain {
        Ok(address) => format!("{address} {address:?} {}", address.trusts_whoever_answers()),
        Err(error) => format!("{error} {error:?}"),
    };
    if text.strip_prefix(SECRET_URL).is_some_and(|rest| !rest.contains("hunter2")) {
        assert!(!shown.contains("hunter2"), "a password is shown: {shown}");
    }
    plain.is_ok()
}

/// The files of profiles and what the environment adds: both files, the URL, then names and values of variables in turn.
pub(super) fn read_profile(input: &[u8]) -> bool {
    let mut parts = parts(input);
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let mut variables = Vec::new();
    for (variable, name) in [("AWS_SHARED_CREDENTIALS_FILE", "credentials"), ("AWS_CONFIG_FILE", "config")] {
        let path = folder.path().join(name);
        std::fs::write(&path, parts.next().unwrap_or_default()).expect("there is room for a file");
        variables.push((variable.to_owned(), path.to_string_lossy().into_owned()));
    }
    let texts: Option<Vec<String>> = parts.map(|part| String::from_utf8(part.to_vec()).ok()).collect();
    let Some(mut texts) = texts.map(Vec::into_iter) else { return false };
    let url = texts.next().unwrap_or_default();
    while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
        variables.push((name, value));
    }
    s3_settings(&url, variables).is_ok()
}
