//! Keys: checked before any store sees them, so that nothing from outside leaves the store's prefix.

use object_store::path::Path;

use crate::{Result, StorageError};

/// The longest key, in bytes: that of S3.
const LONGEST_KEY: usize = 1024;
/// The longest segment, in bytes: 255 on common file systems, less what a staged upload appends.
const LONGEST_SEGMENT: usize = 240;

/// The path that a key names.
///
/// A key is one or more segments parted by `/`, each of letters, digits, `-`, `_`, `.`, `=`, `+` and `@`. `#` is left
/// out because local files are staged under names with it, everything else because some store or shell trips over it.
pub(crate) fn path(key: &str) -> Result<Path> {
    match complaint(key) {
        None => Path::parse(key).map_err(|_| invalid(key, "the store doesn't take it")),
        Some(why) => Err(invalid(key, why)),
    }
}

/// The path that a prefix names: a key, or nothing for the whole store.
pub(crate) fn prefix(prefix: &str) -> Result<Option<Path>> {
    match prefix.strip_suffix('/').unwrap_or(prefix) {
        "" if prefix.is_empty() => Ok(None),
        key => path(key).map(Some),
    }
}

/// Checks the name of an artifact: one segment that isn't one of the names with a meaning of their own.
pub(crate) fn check_artifact_name(name: &str) -> Result<()> {
    if let Some(why) = complaint(name) {
        return Err(invalid(name, why));
    }
    if name.contains('/') {
        return Err(invalid(name, "an artifact's name is one segment"));
    }
    if name == basin_domain::key::MANIFEST || basin_domain::key::is_of_checkpoint(name) {
        return Err(invalid(name, "the name is taken"));
    }
    Ok(())
}

/// Whether an artifact may be called so.
pub fn is_artifact_name(name: &str) -> bool {
    check_artifact_name(name).is_ok()
}

fn invalid(key: &str, why: &'static str) -> StorageError {
    StorageError::InvalidKey { key: key.chars().take(120).collect(), why }
}

fn complaint(key: &str) -> Option<&'static str> {
    if key.is_empty() {
        return Some("it is empty");
    }
    if key.len() > LONGEST_KEY {
        return Some("it is longer than 1024 bytes");
    }
    if key.starts_with('/') {
        return Some("it is absolute");
    }
    key.split('/').find_map(|segment| match segment {
        "" => Some("a segment is empty"),
        "." | ".." => Some("a segment is `.` or `..`"),
        _ if segment.len() > LONGEST_SEGMENT => Some("a segment is longer than 240 bytes"),
        _ if !segment.bytes().all(is_portable) => {
            Some("only letters, digits, `-`, `_`, `.`, `=`, `+` and `@` are taken")
        }
        _ => None,
    })
}

fn is_portable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'=' | b'+' | b'@')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_that_could_leave_the_prefix_are_refused() {
        for key in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "a/../b",
            "a/..",
            "./a",
            "a//b",
            "a/",
            "a\\b",
            "a\0",
            "a#1",
            "a%2e%2e",
            "é",
            "a b",
            "C:x",
            "~/x",
        ] {
            assert!(matches!(path(key), Err(StorageError::InvalidKey { .. })), "{key:?}");
        }
        assert!(path(&"a".repeat(241)).is_err());
        assert!(path(&"abc/".repeat(300)).is_err());
    }

    #[test]
    fn a_prefix_may_end_with_a_slash_or_be_the_whole_store() {
        assert_eq!(prefix("").unwrap(), None);
        assert_eq!(prefix("tasks/").unwrap(), prefix("tasks").unwrap());
        assert!(prefix("/").is_err());
        assert!(prefix("tasks//").is_err());
    }

    #[test]
    fn an_artifact_cannot_take_the_manifests_place() {
        for name in ["manifest.json", "checkpoint-000000000001.safetensors", "a/b", "..", ""] {
            assert!(check_artifact_name(name).is_err(), "{name:?}");
        }
        assert!(check_artifact_name("metrics.parquet").is_ok());
    }

    proptest! {
        #[test]
        fn an_accepted_key_is_the_path_it_says(key in "[a-zA-Z0-9./_#%\\\\ -]{0,40}") {
            if let Ok(path) = path(&key) {
                prop_assert_eq!(path.as_ref(), key.as_str());
                prop_assert!(path.parts().all(|part| part.as_ref() != ".."));
            }
        }
    }
}
