//! Signing in and out.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use maud::html;

use crate::access::Denied;
use crate::answer::parts::text;
use crate::answer::{Failure, Page, Place, Query};
use crate::context::Shared;

/// The page on which one says who one is; afterwards one is led to the page `to`.
pub(crate) fn page(why: Option<&str>, to: &str, has_link: bool) -> Page {
    let main = html! {
        h1 tabindex="-1" { "Sign in" }
        @if let Some(why) = why { p.trouble role="alert" { (text(why)) } }
        @if has_link {
            p { "Whoever started this board was told a link that opens it. Or show a token of the coordinator:" }
        } @else {
            p { "The coordinator wants to know who looks. Show it a token:" }
        }
        form method="post" action="/login" {
            input type="hidden" name="to" value=(text(to));
            label for="token" { "Token" }
            " "
            input #token type="password" name="token" autocomplete="off" required;
            " "
            button type="submit" { "Sign in" }
        }
        p.note {
            "A token stays in the board's memory until you sign out or the board ends; the browser keeps the name of the session alone. "
            "A viewer's token is enough to look; steering takes an admin's."
        }
    };
    Page::new("Sign in", Place::Elsewhere, "", main)
}

/// `GET /login`: the page, or a session for whoever has the board's link.
pub(crate) async fn show(State(board): State<Shared>, uri: Uri) -> Response {
    let query = Query::parse(uri.query().unwrap_or_default().as_bytes());
    let has_link = board.access.needs_key();
    match query.get("key") {
        None => page(None, "/", has_link).into_response(),
        Some(key) => match board.access.open_by_key(key) {
            Some(cookie) => led_to("/", Some(&cookie)),
            None => {
                let why = "this link is of another board, or of one that ran before";
                Page { status: StatusCode::FORBIDDEN, ..page(Some(why), "/", has_link) }.into_response()
            }
        },
    }
}

/// `POST /login`: a session for whoever has a token.
pub(crate) async fn sign_in(State(board): State<Shared>, form: Bytes) -> Response {
    let form = Query::parse(&form);
    let to = form.get("to").filter(|to| is_own(to)).unwrap_or("/");
    match board.access.open_by_token(form.get("token").unwrap_or_default()).await {
        Ok(cookie) => led_to(to, Some(&cookie)),
        Err(Denied::NotThere(why)) => Failure::unavailable(why).into_response(),
        Err(Denied::SignIn(why)) => {
            let page = page(why.as_deref(), to, board.access.needs_key());
            Page { status: StatusCode::FORBIDDEN, ..page }.into_response()
        }
    }
}

/// `POST /logout`.
pub(crate) async fn sign_out(State(board): State<Shared>, headers: HeaderMap) -> Response {
    let cookie = board.access.close(&headers);
    board.model.give_back();
    led_to("/login", Some(&cookie))
}

/// Whether an address is one of the board's own pages: `//elsewhere` is none.
pub(crate) fn is_own(to: &str) -> bool {
    let is_plain = to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    to.starts_with('/') && !to.starts_with("//") && is_plain
}

/// Leads a browser to another page, with a cookie.
pub(crate) fn led_to(to: &str, cookie: Option<&str>) -> Response {
    let cookie = cookie.map(|cookie| (SET_COOKIE, cookie.to_owned()));
    let headers: Vec<_> = [(LOCATION, to.to_owned())].into_iter().chain(cookie).collect();
    let mut response = StatusCode::SEE_OTHER.into_response();
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().append(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_somebody_elses_page() {
        for own in ["/", "/sweeps/a-1/tasks?where=a+%3E+1"] {
            assert!(is_own(own), "{own}");
        }
        for other in ["", "//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb", "a"] {
            assert!(!is_own(other), "{other}");
        }
    }
}
