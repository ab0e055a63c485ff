//! Why there is no page, or no numbers.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use basin_coordinator::client::CallError;
use basin_storage::StorageError;
use maud::html;

use super::page::{Page, Place};
use super::parts::text;

/// Why something isn't shown or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// What happened, in a sentence.
    pub(crate) what: String,
    /// What to do about it, if something is known.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub(crate) fn new(status: StatusCode, what: impl Into<String>) -> Self {
        Self { status, what: what.into(), hint: None }
    }

    /// There is no such thing.
    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, what)
    }

    /// It can't be known at the moment.
    pub(crate) fn unavailable(what: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, what)
    }

    /// The request makes no sense.
    pub(crate) fn bad_request(what: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, what)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let status = match &error {
            CallError::Refused { .. } => StatusCode::FORBIDDEN,
            CallError::Dial(_) | CallError::Broken { .. } => StatusCode::BAD_GATEWAY,
            CallError::UnknownCall { .. } => StatusCode::NOT_IMPLEMENTED,
            CallError::Unreachable { .. } | CallError::Standby { .. } => StatusCode::SERVICE_UNAVAILABLE,
        };
        let what = error.to_string();
        let hint = match error {
            CallError::Refused { hint, .. } => hint,
            CallError::Dial(_)
            | CallError::Unreachable { .. }
            | CallError::Standby { .. }
            | CallError::UnknownCall { .. }
            | CallError::Broken { .. } => None,
        };
        Self { status, what, hint }
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        let status =
            if error.is_not_found() { StatusCode::NOT_FOUND } else { StatusCode::SERVICE_UNAVAILABLE };
        Self::new(status, basin_domain::error_chain::with_causes(&error))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self { status, what, hint } = self;
        let title = status.canonical_reason().unwrap_or("Failed");
        let main = html! {
            h1 tabindex="-1" { (title) }
            p.trouble role="alert" { (text(&what)) }
            @if let Some(hint) = &hint { p { (text(hint)) } }
        };
        Page { status, ..Page::new(title, Place::Elsewhere, "", main) }.into_response()
    }
}
