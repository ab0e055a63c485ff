//! An object as a listing has it, with its age.

/// An object of a listing and when it was last written; their order is that of their keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DatedObject {
    /// Its key.
    pub(crate) key: String,
    /// Its bytes.
    pub(crate) size: u64,
    /// By the store's clock, in milliseconds since the Unix epoch.
    pub(crate) modified_unix_ms: u64,
}
