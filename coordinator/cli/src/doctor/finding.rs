//! A finding about one thing, and how to mend it.

/// One thing that was looked at.
pub(super) struct Finding {
    pub(super) what: &'static str,
    pub(super) good: bool,
    pub(super) says: String,
    pub(super) mend: Option<String>,
}

impl Finding {
    pub(super) fn good(what: &'static str, says: impl Into<String>) -> Self {
        Self { what, good: true, says: says.into(), mend: None }
    }

    /// It will do, and could be better.
    pub(super) fn fair(what: &'static str, says: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what, good: true, says: says.into(), mend: Some(mend.into()) }
    }

    pub(super) fn bad(what: &'static str, says: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what, good: false, says: says.into(), mend: Some(mend.into()) }
    }
}
