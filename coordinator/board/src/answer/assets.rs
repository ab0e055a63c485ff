//! The files that pages need: they are in the program, and have another address when they are others.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use basin_domain::digest::Digest;

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// A file by its name, with its media type and its text.
macro_rules! asset {
    ($media_type:expr, $name:literal) => {
        ($name, $media_type, include_str!(concat!("../../assets/", $name)))
    };
}

const ASSETS: &[(&str, &str, &str)] = &[
    asset!(JAVASCRIPT, "against.js"),
    asset!(CSS, "board.css"),
    asset!(JAVASCRIPT, "board.js"),
    asset!(JAVASCRIPT, "charts.js"),
    asset!(JAVASCRIPT, "curve.js"),
    asset!(JAVASCRIPT, "curves.js"),
    asset!(JAVASCRIPT, "dialog.js"),
    asset!(JAVASCRIPT, "format.js"),
    asset!(JAVASCRIPT, "heat.js"),
    asset!(JAVASCRIPT, "lines.js"),
    asset!(JAVASCRIPT, "live.js"),
    asset!(JAVASCRIPT, "navigation.js"),
    asset!(JAVASCRIPT, "page.js"),
    asset!(JAVASCRIPT, "palette.js"),
    asset!(JAVASCRIPT, "parallel.js"),
    asset!(JAVASCRIPT, "parts.js"),
    asset!(JAVASCRIPT, "points.js"),
    asset!(JAVASCRIPT, "ranges.js"),
    asset!(JAVASCRIPT, "stream.js"),
    asset!(JAVASCRIPT, "surface.js"),
    asset!(JAVASCRIPT, "swap.js"),
    asset!(JAVASCRIPT, "theme.js"),
    asset!(JAVASCRIPT, "time.js"),
    asset!(JAVASCRIPT, "toggle.js"),
    asset!(CSS, "uplot.min.css"),
    asset!(JAVASCRIPT, "uplot.min.js"),
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

/// The file of this name. Under its present address it may be kept for ever; modules load each other without one, and ask each time
/// whether it is still what they have.
pub(crate) fn answer(name: &str, version: Option<&str>, known: Option<&HeaderValue>) -> Response {
    let Some((_, media_type, text)) = ASSETS.iter().find(|(known, _, _)| *known == name) else {
        return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    };
    let tag = format!("\"{}\"", *VERSION);
    let caching = match version {
        Some(version) if version == *VERSION => "public, max-age=31536000, immutable",
        Some(_) | None => "no-cache",
    };
    let headers = [(CACHE_CONTROL, caching.to_owned()), (ETAG, tag.clone())];
    if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(CONTENT_TYPE, *media_type)], *text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_kept_for_ever_under_its_own_address_alone() {
        let caching = |version| {
            let response = answer("board.js", version, None);
            assert_eq!(response.status(), StatusCode::OK);
            response.headers()[CACHE_CONTROL].to_str().unwrap().to_owned()
        };
        assert!(caching(Some(&VERSION)).contains("immutable"));
        assert_eq!([caching(None), caching(Some("another"))], ["no-cache", "no-cache"]);
        let tag = answer("board.js", None, None).headers()[ETAG].clone();
        assert_eq!(answer("board.js", None, Some(&tag)).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(answer("board.rs", None, None).status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn every_module_that_a_module_names_is_there() {
        for (name, _, text) in ASSETS {
            for named in text.split("\"./").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(ASSETS.iter().any(|(known, _, _)| *known == named), "{name} names {named}");
            }
        }
    }
}
