//! What is answered to which request.

use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response, StatusCode};

use super::{ServingStatus, metrics};

/// The media type of Prometheus' text format.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Where metrics are.
pub(super) const METRICS: &str = "/metrics";

/// The answer to a request.
pub(super) async fn answer(method: &Method, path: &str, status: &ServingStatus) -> Response<String> {
    if method != Method::GET && method != Method::HEAD {
        return response(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET\n".to_owned());
    }
    match path {
        // Whoever answers is alive. A ledger that can't write ends the process by itself.
        "/livez" => response(StatusCode::OK, PLAIN, "alive\n".to_owned()),
        "/readyz" => {
            let code = if status.is_serving() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            response(code, PLAIN, format!("{}\n", status.as_str()))
        }
        METRICS => match metrics::exposition(status).await {
            Ok(text) => response(StatusCode::OK, EXPOSITION, text),
            Err(error) => response(StatusCode::SERVICE_UNAVAILABLE, PLAIN, format!("{error}\n")),
        },
        _ => response(StatusCode::NOT_FOUND, PLAIN, "there are /livez, /readyz and /metrics\n".to_owned()),
    }
}

fn response(code: StatusCode, media_type: &'static str, text: String) -> Response<String> {
    let mut response = Response::new(text);
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(path: &str, status: &ServingStatus) -> (u16, String) {
        let response = answer(&Method::GET, path, status).await;
        (response.status().as_u16(), response.into_body())
    }

    #[tokio::test]
    async fn a_standby_is_alive_and_not_ready() {
        assert_eq!(ask("/livez", &ServingStatus::Standby).await, (200, "alive\n".to_owned()));
        assert_eq!(ask("/readyz", &ServingStatus::Standby).await, (503, "standby\n".to_owned()));
        assert_eq!(ask("/readyz", &ServingStatus::Starting).await.0, 503);
        assert_eq!(ask("/readyz", &ServingStatus::Stopping).await.0, 503);
    }

    #[tokio::test]
    async fn a_standby_tells_its_build_and_no_counts() {
        let (code, text) = ask("/metrics", &ServingStatus::Standby).await;
        assert_eq!(code, 200);
        assert!(text.contains("\nbasin_serving 0\n") && text.contains("basin_build_info{"), "{text}");
        assert!(!text.contains("basin_tasks"), "{text}");
    }

    #[tokio::test]
    async fn other_paths_and_methods_are_refused() {
        assert_eq!(ask("/", &ServingStatus::Starting).await.0, 404);
        let posted = answer(&Method::POST, "/metrics", &ServingStatus::Starting).await;
        assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}
