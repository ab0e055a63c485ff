//! A coordinator's address.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use http::Uri;
use http::uri::{Authority, Scheme};

use super::DialError;

/// Where a coordinator is: `http://host:port` or `https://host:port`; the host is a name, an IPv4 address, or an IPv6
/// address in brackets. Without a port it is that of the scheme, 80 or 443.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address(Arc<Uri>);

impl Address {
    /// The addresses of a list that is separated by commas, in its order; at least one.
    ///
    /// # Errors
    /// If one of them is no address.
    pub fn list(text: &str) -> Result<Vec<Self>, DialError> {
        text.split(',').map(str::parse).collect()
    }

    /// Whether what is sent there is encrypted on its way.
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTPS)
    }

    /// The host: a name, or an IP address without brackets.
    pub fn host(&self) -> &str {
        let host = self.0.host().unwrap_or_default();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        self.host() == "localhost" || self.host().parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.0
    }

    /// The same host and port, with the scheme of what isn't encrypted.
    pub(super) fn plain_uri(&self) -> Uri {
        let port = self.0.port_u16().unwrap_or(if self.is_encrypted() { 443 } else { 80 });
        let authority = format!("{}:{port}", self.0.host().unwrap_or_default());
        let authority = Authority::try_from(authority).expect("a host and a port make an authority");
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query("/");
        uri.build().expect("scheme, authority and path make an address")
    }
}

impl FromStr for Address {
    type Err = DialError;

    fn from_str(text: &str) -> Result<Self, DialError> {
        let text = text.trim();
        // The part before an @ may be a password.
        if text.contains('@') {
            return Err(DialError::NameInAddress);
        }
        let bad = || DialError::BadAddress(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| bad())?;
        let is_known = uri.scheme() == Some(&Scheme::HTTP) || uri.scheme() == Some(&Scheme::HTTPS);
        let has_host = uri.host().is_some_and(|host| !host.is_empty());
        // A port that is none is passed over by `Uri::port`.
        let after_host = uri.authority().map_or("", |it| &it.as_str()[uri.host().map_or(0, str::len)..]);
        let has_port = after_host.is_empty() || uri.port_u16().is_some_and(|port| port != 0);
        let is_bare = uri.path() == "/" && uri.query().is_none();
        if is_known && has_host && has_port && is_bare { Ok(Self(Arc::new(uri))) } else { Err(bad()) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.to_string().trim_end_matches('/'))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn names_and_addresses_of_both_families_are_understood() {
        for (text, host, plain) in [
            ("http://127.0.0.1:7470", "127.0.0.1", "http://127.0.0.1:7470/"),
            ("https://basin.example", "basin.example", "http://basin.example:443/"),
            ("http://basin.example/", "basin.example", "http://basin.example:80/"),
            ("https://[2001:db8::1]:7470", "2001:db8::1", "http://[2001:db8::1]:7470/"),
        ] {
            assert_eq!(address(text).host(), host);
            assert_eq!(address(text).plain_uri().to_string(), plain);
            assert_eq!(address(text).to_string(), text.trim_end_matches('/'));
        }
        assert!(address("https://a:1").is_encrypted() && !address("http://a:1").is_encrypted());
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for text in ["http://127.0.0.1:1", "https://[::1]:1", "http://localhost:1", "http://127.9.9.9:1"] {
            assert!(address(text).is_loopback(), "{text}");
        }
        for text in ["http://10.0.0.1:1", "http://[2001:db8::1]:1", "http://localhost.example:1"] {
            assert!(!address(text).is_loopback(), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "nonsense here",
            "127.0.0.1:7470",
            "ftp://a:1",
            "http://",
            "http://a:0",
            "http://a:99999",
            "http://a/b",
        ] {
            assert!(matches!(text.parse::<Address>(), Err(DialError::BadAddress(_))), "{text}");
        }
        assert_eq!(
            Address::list("http://a:1, https://b:2").unwrap(),
            [address("http://a:1"), address("https://b:2")]
        );
        assert!(Address::list("http://a:1,").is_err());
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let refused = "https://user:hunter2@host:1".parse::<Address>().unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("hunter2"));
    }
}
