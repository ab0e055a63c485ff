//! A page before it has its frame.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::Markup;

use super::parts::text;
use crate::access::Visitor;

/// Where a page stands among all pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The list of sweeps.
    Sweeps,
    /// The workers.
    Workers,
    /// How long store and journal take.
    Latencies,
    /// A page of this sweep; the page's name.
    Sweep(String, &'static str),
    /// None of them.
    Elsewhere,
}

/// A page: what is in it, and what its frame needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    /// The title, as text.
    pub(crate) title: String,
    pub(crate) place: Place,
    /// The topics whose changes it shows, between spaces.
    pub(crate) topics: &'static str,
    /// Who looks, in words; none of a page that anybody sees.
    pub(crate) who: Option<String>,
    /// Whether whoever looks can sign out.
    pub(crate) has_session: bool,
    /// The inner part.
    pub(crate) main: Markup,
}

impl Page {
    /// A page that shows changes of these topics.
    pub(crate) fn new(title: impl Into<String>, place: Place, topics: &'static str, main: Markup) -> Self {
        let title = title.into();
        Self { status: StatusCode::OK, title, place, topics, who: None, has_session: false, main }
    }

    /// The same for this visitor.
    #[must_use]
    pub(crate) fn seen_by(self, visitor: &Visitor) -> Self {
        let who = match visitor.name.as_str() {
            "" => String::new(),
            name => text(name).0,
        };
        Self { who: Some(who), has_session: visitor.has_session, ..self }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}
