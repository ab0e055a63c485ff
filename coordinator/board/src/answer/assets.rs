//! The files that pages need: they are in the program, and have another address when they are others.

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use basin_domain::digest::Digest;

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// A file by its name, with its media type and its text.
const ASSETS: &[(&str, &str, &str)] = &[
    ("board.css", CSS, include_str!("../../assets/board.css")),
    ("board.js", JAVASCRIPT, include_str!("../../assets/board.js")),
    ("uplot.min.css", CSS, include_str!("../../assets/uplot.min.css")),
    ("uplot.min.js", JAVASCRIPT, include_str!("../../assets/uplot.min.js")),
];

/// What all of them are, in some digits. All change their addresses together: modules load each other by name alone.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let all: Vec<u8> = ASSETS.iter().flat_map(|(_, _, text)| text.bytes()).collect();
    Digest::of(&all).short()
});

/// The address of a file.
pub(crate) fn address(name: &str) -> String {
    format!("/assets/{name}?v={}", *VERSION)
}

/// The file of this name.
pub(crate) fn answer(name: &str) -> Response {
    let Some((_, media_type, text)) = ASSETS.iter().find(|(known, _, _)| *known == name) else {
        return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    };
    let headers = [(CONTENT_TYPE, *media_type), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, *text).into_response()
}
