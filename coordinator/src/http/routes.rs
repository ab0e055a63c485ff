//! The routes of the side port: a path, what is answered there.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::{Mutex, watch};

use super::ServingStatus;
use super::metrics::{self, MetricSources};

/// The media type of Prometheus' text format.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// The sources of the answers.
#[derive(Debug, Clone)]
struct Source {
    status: watch::Receiver<ServingStatus>,
    metrics: MetricSources,
    /// Metrics cost a look at the ledger: one page is made at a time.
    page: Arc<Mutex<()>>,
}

impl Source {
    fn now(&self) -> ServingStatus {
        self.status.borrow().clone()
    }
}

/// The answers to all requests, by what `status` says at the time and `metrics` have counted.
pub(super) fn routes(status: watch::Receiver<ServingStatus>, metrics: MetricSources) -> Router {
    Router::new()
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(page))
        .fallback(unknown)
        .method_not_allowed_fallback(only_get)
        .layer(map_response(not_stored))
        .with_state(Source { status, metrics, page: Arc::default() })
}

/// Whoever answers is alive. A ledger that can't write ends the process by itself.
async fn alive() -> Response {
    answer(StatusCode::OK, PLAIN, "alive\n".to_owned())
}

async fn ready(State(source): State<Source>) -> Response {
    let status = source.now();
    let code = if status.is_serving() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(code, PLAIN, format!("{}\n", status.as_str()))
}

async fn page(State(source): State<Source>) -> Response {
    let status = source.now();
    let _turn = source.page.lock().await;
    match metrics::exposition(&status, &source.metrics).await {
        Ok(text) => answer(StatusCode::OK, EXPOSITION, text),
        Err(error) => answer(StatusCode::SERVICE_UNAVAILABLE, PLAIN, format!("{error}\n")),
    }
}

async fn unknown(method: Method) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return only_get().await;
    }
    answer(StatusCode::NOT_FOUND, PLAIN, "there are /livez, /readyz and /metrics\n".to_owned())
}

async fn only_get() -> Response {
    answer(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET\n".to_owned())
}

fn answer(code: StatusCode, media_type: &'static str, text: String) -> Response {
    (code, [(CONTENT_TYPE, HeaderValue::from_static(media_type))], text).into_response()
}

/// Nobody keeps an answer: the next one may be another.
async fn not_stored(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tonic::codegen::Service;

    use super::*;
    use crate::http::metrics::tests::sources;

    async fn request(method: Method, path: &str, status: ServingStatus) -> Response {
        let (_sender, status) = watch::channel(status);
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        routes(status, sources()).call(request).await.unwrap()
    }

    async fn ask(path: &str, status: ServingStatus) -> (u16, String) {
        let response = request(Method::GET, path, status).await;
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        let code = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (code, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_standby_is_alive_and_not_ready() {
        assert_eq!(ask("/livez", ServingStatus::Standby).await, (200, "alive\n".to_owned()));
        assert_eq!(ask("/readyz", ServingStatus::Standby).await, (503, "standby\n".to_owned()));
        assert_eq!(ask("/readyz", ServingStatus::Starting).await.0, 503);
        assert_eq!(ask("/readyz", ServingStatus::Stopping).await.0, 503);
    }

    #[tokio::test]
    async fn a_standby_tells_of_its_process_and_nothing_of_the_work() {
        let (code, text) = ask("/metrics", ServingStatus::Standby).await;
        assert_eq!(code, 200);
        assert!(text.contains("\nbasin_serving 0\n") && text.contains("basin_build_info{"), "{text}");
        assert!(
            text.contains("\nbasin_calls_total{") && text.contains("\nprocess_cpu_seconds_total "),
            "{text}"
        );
        assert!(!text.contains("basin_tasks") && !text.contains("basin_journal"), "{text}");
        let page = request(Method::GET, "/metrics", ServingStatus::Standby).await;
        assert_eq!(page.headers()[CONTENT_TYPE], EXPOSITION);
    }

    #[tokio::test]
    async fn other_paths_and_methods_are_refused() {
        let missing = (404, "there are /livez, /readyz and /metrics\n".to_owned());
        assert_eq!(ask("/", ServingStatus::Starting).await, missing);
        for path in ["/metrics", "/livez", "/elsewhere"] {
            let posted = request(Method::POST, path, ServingStatus::Starting).await;
            assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
            let head = request(Method::HEAD, path, ServingStatus::Starting).await;
            assert_ne!(head.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        }
    }
}
