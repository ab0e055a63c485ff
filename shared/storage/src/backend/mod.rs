//! The kinds of store, one file each, by the scheme of their URL.
//!
//! A new kind is one file with an `open` and one row in [`SCHEMES`]; the suite in `testing::conformance` says whether it
//! does what Basin needs.

use crate::{Result, StorageError};

mod address;
mod azure;
mod environment;
pub(crate) mod fuzzing;
mod gs;
mod local;
mod memory;
mod opened;
mod remote;
mod s3;

pub(crate) use local::{
    remove_empty_folders, remove_file_if_there, remove_lock, remove_staged, remove_staged_before,
    replace_file, staged_before, sync_names, sync_to_root, try_lock,
};
pub(crate) use opened::{IfMissing, OpenedStore};

/// A kind of store.
struct Scheme {
    /// The URL's scheme.
    name: &'static str,
    /// A URL of this kind, for hints.
    example: &'static str,
    /// Opens it.
    open: fn(&str, IfMissing) -> Result<OpenedStore>,
}

const SCHEMES: [Scheme; 5] = [
    Scheme { name: "file", example: "file:///path/to/folder", open: local::open_url },
    Scheme { name: "memory", example: "memory://name", open: memory::open_url },
    Scheme { name: "s3", example: "s3://bucket/prefix", open: s3::open_url },
    Scheme { name: "gs", example: "gs://bucket/prefix", open: gs::open_url },
    Scheme { name: "az", example: "az://container/prefix", open: azure::open_url },
];

/// A URL of every kind, for hints.
pub fn examples() -> String {
    SCHEMES.map(|scheme| scheme.example).join(", ")
}

/// Opens the store at a URL, or in the folder of a plain path.
pub(crate) fn open(url_or_path: &str, missing: IfMissing) -> Result<OpenedStore> {
    if url_or_path.is_empty() {
        return Err(StorageError::BadUrl { url: String::new(), why: "it is empty".to_owned() });
    }
    let Some((scheme, _)) = url_or_path.split_once("://") else {
        return local::open_path(url_or_path.as_ref(), missing);
    };
    match SCHEMES.iter().find(|known| known.name == scheme) {
        Some(known) => (known.open)(url_or_path, missing),
        None => Err(StorageError::UnknownScheme { url: url_or_path.to_owned(), scheme: scheme.to_owned() }),
    }
}
