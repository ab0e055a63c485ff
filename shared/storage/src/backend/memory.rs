//! `memory://NAME`: a store that lives as long as the process, shared by all who open the same name.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use object_store::memory::InMemory;

use super::opened::{IfMissing, OpenedStore};
use crate::{Result, StorageError};

/// The stores of this process, by name: an embedded coordinator and its agents open the same one.
static STORES: LazyLock<Mutex<HashMap<String, Arc<InMemory>>>> = LazyLock::new(Mutex::default);

/// Opens `memory://NAME`.
pub(super) fn open_url(url: &str, missing: IfMissing) -> Result<OpenedStore> {
    let name = url.strip_prefix("memory://").unwrap_or_default();
    let fits = (1..=100).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if !fits {
        let why = "1 to 100 letters, digits, `-`, `_` and `.` are expected after `memory://`".to_owned();
        return Err(StorageError::BadUrl { url: url.to_owned(), why });
    }
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    let objects = match (stores.get(name), missing) {
        (Some(objects), _) => Arc::clone(objects),
        (None, IfMissing::Create) => Arc::clone(stores.entry(name.to_owned()).or_default()),
        (None, IfMissing::Fail) => return Err(StorageError::NoStore { url: url.to_owned() }),
    };
    Ok(OpenedStore { objects, url: url.to_owned(), root: None })
}
