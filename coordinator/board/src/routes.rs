//! The routes: a path, what is answered there.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::access::{host_is_known, is_same_origin};
use crate::answer::{Failure, PART, assets, dressed};
use crate::context::Shared;
use crate::pages::{events, sign_in, sweeps, workers};

/// The most bytes of what a form sends.
const FORM_LIMIT: usize = 16 << 10;

/// The answers to all requests.
pub(crate) fn routes(board: &Shared) -> Router {
    Router::new()
        .route("/", get(sweeps::list))
        .route("/workers", get(workers::list))
        .route("/login", get(sign_in::show).post(sign_in::sign_in))
        .route("/logout", post(sign_in::sign_out))
        .route("/events", get(events::stream))
        .route("/assets/{name}", get(asset))
        .fallback(unknown)
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        .layer(from_fn_with_state(Arc::clone(board), guard))
        .with_state(Arc::clone(board))
}

/// Answers nothing that a page of somebody else could have sent for, and gives every answer its frame and headers.
async fn guard(State(board): State<Shared>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let asks_for_part = headers.get(PART).is_some_and(|part| part == "main");
    let only_looks = matches!(*request.method(), Method::GET | Method::HEAD);
    let refused = if !host_is_known(headers, &board.hosts) {
        Some("the board isn't called by this name")
    } else if !only_looks && !is_same_origin(headers) {
        Some("only the board's own pages change anything")
    } else {
        None
    };
    let response = match refused {
        Some(why) => Failure::new(StatusCode::FORBIDDEN, why).into_response(),
        None => next.run(request).await,
    };
    dressed(response, asks_for_part)
}

async fn asset(Path(name): Path<String>) -> Response {
    assets::answer(&name)
}

async fn unknown() -> Failure {
    Failure::not_found("there is no such page")
}

async fn other_method() -> Failure {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "this page isn't asked for in this way")
}
