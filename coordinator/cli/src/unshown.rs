//! What is typed and never repeated.

/// A text that may hold a password, and is shown nowhere.
#[derive(Clone)]
pub(crate) struct Unshown(pub(crate) String);

impl From<String> for Unshown {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Unshown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("_")
    }
}
