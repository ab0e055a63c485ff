//! Where requests come from: from the board's own pages, or from those of somebody else that a browser has open.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

/// Whether the board was called by a name that is its own. A page of somebody else could have its own name lead to this machine
/// (DNS rebinding), and would be of one origin with the board then; an address can't be made to lead elsewhere.
pub(crate) fn host_is_known(headers: &HeaderMap, names: &[String]) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()).map(without_port) else {
        return false;
    };
    let is_address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
    is_address
        || host.eq_ignore_ascii_case("localhost")
        || names.iter().any(|name| name.eq_ignore_ascii_case(host))
}

/// Whether a page of the board itself sent this: what it says of its origin is the browser's word, which no page can change.
/// A browser that says nothing is refused.
pub(crate) fn is_same_origin(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(origin), Some(host)) = (text(ORIGIN), text(HOST)) else { return false };
    let origin = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host))
}

/// A host without the port behind it.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn the_board_is_called_by_addresses_and_by_its_own_names() {
        let names = ["basin.lab.example".to_owned()];
        for host in ["127.0.0.1:7471", "[::1]:7471", "localhost:80", "localhost", "Basin.lab.example:7471"] {
            assert!(host_is_known(&headers(&[("host", host)]), &names), "{host}");
        }
        for host in
            ["evil.example", "evil.example:7471", "localhost.evil.example", "127.0.0.1.evil.example", ""]
        {
            assert!(!host_is_known(&headers(&[("host", host)]), &names), "{host}");
        }
        assert!(!host_is_known(&HeaderMap::new(), &names));
    }

    #[test]
    fn what_another_page_sends_is_told_apart() {
        let host = ("host", "127.0.0.1:7471");
        for own in [
            vec![host, ("sec-fetch-site", "same-origin")],
            vec![host, ("origin", "http://127.0.0.1:7471")],
            vec![host, ("origin", "https://127.0.0.1:7471")],
        ] {
            assert!(is_same_origin(&headers(&own)), "{own:?}");
        }
        for other in [
            vec![host],
            vec![host, ("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:7471")],
            vec![host, ("sec-fetch-site", "same-site")],
            vec![host, ("origin", "null")],
            vec![host, ("origin", "http://127.0.0.1:7472")],
            vec![host, ("origin", "http://evil.example")],
        ] {
            assert!(!is_same_origin(&headers(&other)), "{other:?}");
        }
    }
}
