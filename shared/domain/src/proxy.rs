//! Variables that name proxies: what is wrong with one, so that none is passed over in silence.

/// The variables that may name the proxy of an encrypted connection, the first that is set counts; then those of all.
pub const FOR_HTTPS: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// The same for one that isn't encrypted.
pub const FOR_HTTP: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// An address that a proxy's looks like, for hints.
pub const EXAMPLE: &str = "http://proxy.example.org:3128";

/// The schemes that are known to be a proxy's.
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// Why a value can't be the address of a proxy, if it can't. It says nothing of the value itself, which may have a
/// password in it.
pub fn fault(value: &str) -> Option<&'static str> {
    let rest = match value.split_once("://") {
        Some((scheme, rest)) if SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme)) => rest,
        Some(_) => return Some("its scheme is no proxy's"),
        None => value,
    };
    // A `/`, `?` or `#` ends the authority; user and password stand before its last `@`.
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if rest.len() > authority.len() && rest[authority.len()..].contains('@') {
        return Some("a `/`, `?` or `#` in its user or password must be written as %2F, %3F or %23");
    }
    let (user, server) = authority.rsplit_once('@').map_or(("", authority), |(user, server)| (user, server));
    if user.contains('@') {
        return Some("an `@` in its user or password must be written as %40");
    }
    if !user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:%".contains(&byte)) {
        return Some(
            "some characters of its user or password must be written as % and two hexadecimal digits",
        );
    }
    let (host, port) = match server.strip_prefix('[').and_then(|server| server.split_once(']')) {
        Some((host, after)) => match host.parse::<std::net::Ipv6Addr>() {
            Ok(_) if after.is_empty() => return None,
            Ok(_) => (host, after.strip_prefix(':')),
            Err(_) => return Some("its host is no address"),
        },
        None => match server.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (server, Some("80")),
        },
    };
    if host.is_empty() {
        return Some("it names no host");
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if !server.starts_with('[') && !host.bytes().all(is_name) {
        return Some("its host is no name");
    }
    match port.map(str::parse::<u16>) {
        Some(Ok(1..)) => None,
        Some(Ok(0) | Err(_)) | None => Some("its port is no number from 1 to 65535"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_proxies_are_good() {
        for value in [
            "http://proxy:3128",
            "HTTP://proxy.example.org",
            "proxy:3128",
            "10.0.0.1:80",
            "http://user:pass%40word@proxy:3128/",
            "socks5h://proxy:1080",
            "http://[::1]:3128",
            "[fd00::2]",
        ] {
            assert_eq!(fault(value), None, "{value}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_proxy_says_why_without_repeating_it() {
        for (value, why) in [
            ("", "no host"),
            ("http://", "no host"),
            ("http://:3128", "no host"),
            ("http://proxy:", "port"),
            ("http://proxy:0", "port"),
            ("http://proxy:99999", "port"),
            ("proxy:port", "port"),
            ("htp://proxy:3128", "scheme"),
            ("http:/proxy:3128", "port"),
            ("http://pro xy:3128", "host"),
            ("http://[::g]:3128", "host"),
            ("http://user:p@ss@proxy:3128", "%40"),
            ("http://user:p/ss@proxy:3128", "%2F"),
            ("http://user:p ss@proxy:3128", "hexadecimal"),
            ("http://user:p\u{1b}ss@proxy", "hexadecimal"),
        ] {
            let said = fault(value).unwrap_or_else(|| panic!("{value} is taken"));
            assert!(said.contains(why), "{value}: {said}");
        }
    }
}
