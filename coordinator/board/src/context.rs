//! What every answer is made from, and who asks for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use basin_coordinator::client::Client;

use crate::access::{Access, Denied, Visitor};
use crate::answer::{Failure, Page, Query};
use crate::model::Model;
use crate::pages::sign_in;
use crate::random;
use crate::settings::JournalTimes;

/// The most outcomes that wait to be shown.
const NOTICES: usize = 64;

/// What every answer is made from.
#[derive(Debug)]
pub(crate) struct Board {
    pub(crate) access: Access,
    pub(crate) model: Arc<Model>,
    /// The names that browsers may call it by, beside addresses.
    pub(crate) hosts: Vec<String>,
    pub(crate) notices: Notices,
    /// How long the journal takes, if that is known here.
    pub(crate) journal: Option<JournalTimes>,
    /// Whether it shows a run on this machine, which ends with its sweep.
    pub(crate) is_of_run: bool,
}

/// The board, for all who answer.
pub(crate) type Shared = Arc<Board>;

/// What came of something that was asked for, until the page after it shows it. The address of that page holds its name alone: a page
/// elsewhere can't make the board say anything.
#[derive(Debug, Default)]
pub(crate) struct Notices(Mutex<VecDeque<(String, Notice)>>);

/// What came of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) text: String,
    /// Whether it didn't work.
    pub(crate) is_trouble: bool,
}

impl Notices {
    /// Keeps one; its name.
    pub(crate) fn keep(&self, notice: Notice) -> String {
        let name = random::secret().unwrap_or_default();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= NOTICES {
            all.pop_front();
        }
        all.push_back((name.clone(), notice));
        name
    }

    fn find(&self, name: &str) -> Option<Notice> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|(known, _)| known == name).map(|(_, notice)| notice.clone())
    }
}

/// A request of somebody who is let in.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) visitor: Visitor,
    pub(crate) query: Query,
    /// What came of what was asked for on the page before.
    pub(crate) notice: Option<Notice>,
}

impl Asked {
    /// The coordinator, called as whoever asks.
    ///
    /// # Errors
    /// If the board shows a store alone.
    pub(crate) fn client(&self) -> Result<&Client, Failure> {
        let none = || Failure::not_found("this board shows what a store has, and asks no coordinator");
        self.visitor.client.as_ref().ok_or_else(none)
    }

    /// The page as this visitor sees it.
    pub(crate) fn shows(&self, page: Page) -> Page {
        page.seen_by(&self.visitor)
    }
}

impl FromRequestParts<Shared> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, board: &Shared) -> Result<Self, Response> {
        let query = Query::parse(parts.uri.query().unwrap_or_default().as_bytes());
        match board.access.visitor(&parts.headers).await {
            Ok(visitor) => {
                board.model.look(visitor.client.as_ref());
                let notice = query.get("outcome").and_then(|name| board.notices.find(name));
                Ok(Self { visitor, query, notice })
            }
            Err(Denied::NotThere(why)) => Err(Failure::unavailable(why).into_response()),
            Err(Denied::SignIn(why)) => {
                let to = parts.uri.path_and_query().map_or("/", |it| it.as_str());
                let page = sign_in::page(why.as_deref(), to, board.access.needs_key());
                Err(Page { status: StatusCode::UNAUTHORIZED, ..page }.into_response())
            }
        }
    }
}
