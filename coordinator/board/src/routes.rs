//! The routes: a path, what is answered there.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, Request, State};
use axum::http::header::IF_NONE_MATCH;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::access::{host_is_known, is_same_origin};
use crate::answer::{Failure, PART, assets, dressed};
use crate::context::Shared;
use crate::pages::{
    events, failures, latencies, points, results, sign_in, steering, stream, sweep, sweeps, task, tasks,
    workers,
};

/// The most bytes of what a form sends.
const FORM_LIMIT: usize = 16 << 10;

/// The answers to all requests.
pub(crate) fn routes(board: &Shared) -> Router {
    Router::new()
        .route("/", get(sweeps::list))
        .route("/sweeps/{id}", get(sweep::show))
        .route("/sweeps/{id}/tasks", get(tasks::list))
        .route("/sweeps/{id}/tasks/{task}", get(task::show))
        .route("/sweeps/{id}/tasks/{task}/curve.json", get(task::curve))
        .route("/sweeps/{id}/curves.json", get(results::curves_json))
        .route("/sweeps/{id}/points", get(points::show))
        .route("/sweeps/{id}/points.json", get(points::points_json))
        .route("/sweeps/{id}/failures", get(failures::show))
        .route("/sweeps/{id}/{action}", post(steering::steer).get(unknown))
        .route("/workers", get(workers::list))
        .route("/workers/stream.json", get(stream::stream))
        .route("/latencies", get(latencies::show))
        .route("/workers/{id}/drain", post(steering::drain))
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

async fn asset(Path(name): Path<String>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let version = query.as_deref().and_then(|query| query.strip_prefix("v="));
    assets::answer(&name, version, headers.get(IF_NONE_MATCH))
}

async fn unknown() -> Failure {
    Failure::not_found("there is no such page")
}

async fn other_method() -> Failure {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "this page isn't asked for in this way")
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
    use tonic::codegen::Service;

    use super::*;
    use crate::access::Access;
    use crate::context::{Board, Notices};
    use crate::model::Model;
    use crate::settings::StoreChoice;

    fn board() -> Shared {
        let address = ([127, 0, 0, 1], 7).into();
        Arc::new(Board {
            access: Access::new(None, "hush".to_owned().into(), address, false).unwrap(),
            model: Arc::new(Model::new(StoreChoice::AsTheCoordinatorSays)),
            hosts: vec!["basin.example".to_owned()],
            notices: Notices::default(),
            journal: None,
            is_of_run: false,
        })
    }

    async fn ask(board: &Shared, method: Method, path: &str, headers: &[(&str, &str)]) -> (Response, String) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let mut response = routes(board).call(request).await.unwrap();
        let body = std::mem::take(response.body_mut());
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        (response, String::from_utf8(bytes.to_vec()).unwrap())
    }

    const HOST: (&str, &str) = ("host", "127.0.0.1:7");
    const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

    #[tokio::test]
    async fn names_that_are_not_the_boards_and_pages_that_are_not_its_own_are_refused() {
        let board = board();
        let code = async |method: Method, path: &str, headers: &[(&str, &str)]| {
            ask(&board, method, path, headers).await.0.status().as_u16()
        };
        assert_eq!(code(Method::GET, "/login", &[HOST]).await, 200);
        assert_eq!(code(Method::GET, "/login", &[("host", "basin.example:80")]).await, 200);
        assert_eq!(code(Method::GET, "/login", &[("host", "evil.example")]).await, 403);
        assert_eq!(code(Method::GET, "/login", &[]).await, 403);
        for other in [
            vec![HOST],
            vec![HOST, ("origin", "http://evil.example")],
            vec![HOST, ("sec-fetch-site", "same-site")],
        ] {
            for path in ["/logout", "/login", "/sweeps/a-1/cancel", "/workers/w/drain", "/nowhere"] {
                assert_eq!(code(Method::POST, path, &other).await, 403, "{path} {other:?}");
            }
        }
        assert_eq!(code(Method::POST, "/logout", &[HOST, OWN]).await, 303);
        assert_eq!(code(Method::POST, "/workers", &[HOST, OWN]).await, 405);
        assert_eq!(code(Method::GET, "/nowhere", &[HOST]).await, 404);
    }

    #[tokio::test]
    async fn whoever_has_the_link_gets_a_session_and_whoever_has_none_a_page_to_sign_in() {
        let board = board();
        let (refused, page) = ask(&board, Method::GET, "/workers?a=b", &[HOST]).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        assert!(
            page.contains("<h1 tabindex=\"-1\">Sign in</h1>") && page.contains("value=\"/workers?a=b\""),
            "{page}"
        );
        assert_eq!(
            ask(&board, Method::GET, "/login?key=hus", &[HOST]).await.0.status(),
            StatusCode::FORBIDDEN
        );
        let (opened, _) = ask(&board, Method::GET, "/login?key=hush", &[HOST]).await;
        assert_eq!(
            (opened.status(), &opened.headers()[LOCATION]),
            (StatusCode::SEE_OTHER, &"/".parse().unwrap())
        );
        let cookie = opened.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let (shown, page) =
            ask(&board, Method::GET, "/assets/board.js?v=1", &[HOST, (COOKIE.as_str(), &cookie)]).await;
        assert!(shown.status() == StatusCode::OK && shown.headers().contains_key("etag") && !page.is_empty());
    }

    #[tokio::test]
    async fn a_part_is_the_inner_part_of_the_page() {
        let board = board();
        let (_, whole) = ask(&board, Method::GET, "/login", &[HOST]).await;
        let (part_of, part) = ask(&board, Method::GET, "/login", &[HOST, ("board-part", "main")]).await;
        assert!(whole.contains(&format!("<main id=\"main\" tabindex=\"-1\">{part}</main>")), "{whole}");
        assert_eq!(part_of.headers()["board-title"], "Sign%20in");
        assert_eq!(part_of.headers()["vary"], "Board-Part");
    }
}
