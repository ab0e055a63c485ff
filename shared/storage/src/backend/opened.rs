//! The parts of an opened backend: objects, and their companions.

use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;

/// An opened store.
pub(crate) struct OpenedStore {
    /// The objects.
    pub(crate) objects: Arc<dyn ObjectStore>,
    /// The URL under which the same store can be opened again.
    pub(crate) url: String,
    /// The folder, if the objects are files.
    pub(crate) root: Option<PathBuf>,
}

/// The meaning of a missing store to the one who opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfMissing {
    /// It is made, if it is a folder or memory: whoever owns the bucket makes it.
    Create,
    /// It is an error.
    Fail,
}
