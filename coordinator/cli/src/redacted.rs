//! What is typed and never repeated.

/// A text that may hold a password, and is shown nowhere.
#[derive(Clone)]
pub(crate) struct Redacted(pub(crate) String);

impl From<String> for Redacted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Redacted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("_")
    }
}
