//! The frame around every page, and the headers of every answer.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use maud::{DOCTYPE, Markup, html};

use super::assets::address;
use super::page::{Page, Place};
use super::parts::{sweep_url, text};
use super::query::segment;

/// The header of a request that asks for the inner part alone.
pub(crate) const PART: &str = "board-part";

/// What pages may load and do: nothing that isn't the board's own. Charts set positions by the document's model, which this lets them.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages of a sweep, as its navigation lists them.
const OF_SWEEP: [(&str, &str); 4] =
    [("", "Overview"), ("tasks", "Tasks"), ("points", "Points"), ("failures", "Failures")];

/// An answer as it is sent: a page with its frame, or without if the part alone is asked for, and the headers of all answers.
pub(crate) fn dressed(mut response: Response, asks_for_part: bool) -> Response {
    if let Some(page) = response.extensions_mut().remove::<Page>() {
        let html = if asks_for_part { page.main.0.clone() } else { whole(&page).into_string() };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(VARY, HeaderValue::from_static("Board-Part"));
        if asks_for_part {
            describe(headers, &page);
        }
        *response.body_mut() = Body::from(html);
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// What the frame would say of a page that is sent without it, for the script that has one already.
fn describe(headers: &mut HeaderMap, page: &Page) {
    let mut say = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(&segment(value)) {
            headers.insert(name, value);
        }
    };
    say("board-title", &page.title);
    say("board-topics", page.topics);
    say("board-sweep", sweep_of(page));
}

fn sweep_of(page: &Page) -> &str {
    match &page.place {
        Place::Sweep(sweep, _) => sweep,
        Place::Sweeps | Place::Workers | Place::Latencies | Place::Elsewhere => "",
    }
}

fn whole(page: &Page) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (text(&page.title)) " · Basin" }
                link rel="icon" href="data:,";
                script src=(address("theme.js")) {}
                link rel="stylesheet" href=(address("board.css"));
                script type="module" src=(address("board.js")) {}
            }
            body data-topics=(page.topics) data-sweep=(text(sweep_of(page))) {
                a.skip href="#main" { "Skip to the content" }
                header {
                    a.brand href="/" { "Basin" }
                    (navigation(page))
                    div.who {
                        @if let Some(who) = &page.who {
                            @if !who.is_empty() { span.name { (maud::PreEscaped(who)) } " " }
                            @if page.has_session {
                                form.inline method="post" action="/logout" { button type="submit" { "Sign out" } }
                            } @else {
                                a href="/login" { "Sign in" }
                            }
                        }
                    }
                }
                main id="main" tabindex="-1" { (page.main) }
            }
        }
    }
}

fn navigation(page: &Page) -> Markup {
    let link = |name: &str, url: &str, is_here: bool| {
        html! { li { a href=(url) aria-current=[is_here.then_some("page")] { (name) } } }
    };
    html! {
        nav aria-label="Pages" {
            ul {
                (link("Sweeps", "/", page.place == Place::Sweeps))
                (link("Workers", "/workers", page.place == Place::Workers))
                (link("Latencies", "/latencies", page.place == Place::Latencies))
            }
        }
        @if let Place::Sweep(sweep, here) = &page.place {
            nav aria-label="The sweep's pages" {
                ul {
                    @for (path, name) in OF_SWEEP { (link(name, &sweep_url(sweep, path), path == *here)) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    #[test]
    fn a_page_has_no_script_or_style_of_its_own_and_its_names_are_text() {
        let place = Place::Sweep("<b>-1".to_owned(), "tasks");
        let page = Page::new("<script>x</script>", place, "tasks", html! { h1 { "Tasks" } });
        let html = whole(&page).into_string();
        assert!(!html.contains("<script>x") && !html.contains("<b>"), "{html}");
        assert!(!html.contains("style="), "{html}");
        assert!(html.contains("<main id=\"main\" tabindex=\"-1\"><h1>Tasks</h1></main>"), "{html}");
        assert!(html.contains("href=\"/sweeps/%3Cb%3E-1/tasks\" aria-current=\"page\""), "{html}");
    }

    #[test]
    fn every_answer_says_what_it_may_load() {
        for part in [false, true] {
            let page = Page::new("Sweeps", Place::Sweeps, "sweeps", html! {});
            let response = dressed(page.into_response(), part);
            assert_eq!(response.headers()[CONTENT_SECURITY_POLICY], POLICY);
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        }
    }
}
