//! Proxies: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, as curl understands them, by CONNECT.

use http::Uri;
use http::uri::Scheme;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::codegen::Service;

use super::{Address, DialError};

/// The way to an address through a proxy.
#[derive(Clone)]
pub(super) struct Proxy {
    tunnel: Tunnel<HttpConnector>,
    /// Host and port, without the password.
    pub(super) name: String,
}

impl Proxy {
    /// The proxy that the environment names for an address; none for this machine itself.
    pub(super) fn of_environment(address: &Address, http: &HttpConnector) -> Result<Option<Self>, DialError> {
        if address.is_loopback() {
            return Ok(None);
        }
        Self::of(&Matcher::from_env(), address, http)
    }

    fn of(matcher: &Matcher, address: &Address, http: &HttpConnector) -> Result<Option<Self>, DialError> {
        let Some(found) = matcher.intercept(address.uri()) else { return Ok(None) };
        let name = found.uri().authority().map_or_else(String::new, ToString::to_string);
        if found.uri().scheme() != Some(&Scheme::HTTP) {
            let why = format!(
                "only http:// proxies are spoken to, not {}",
                found.uri().scheme_str().unwrap_or("that")
            );
            return Err(DialError::Proxy { proxy: name, why });
        }
        let mut tunnel = Tunnel::new(found.uri().clone(), http.clone());
        if let Some(password) = found.basic_auth() {
            tunnel = tunnel.with_auth(password.clone());
        }
        Ok(Some(Self { tunnel, name }))
    }

    /// A connection to a host and port beyond the proxy.
    pub(super) async fn connect(mut self, to: Uri) -> Result<TcpStream, DialError> {
        let connected = match std::future::poll_fn(|context| self.tunnel.poll_ready(context)).await {
            Ok(()) => self.tunnel.call(to).await,
            Err(error) => Err(error),
        };
        // Whatever happened happened to the proxy: its causes are words here, so that nobody takes a proxy that is down for
        // a coordinator that is.
        let why = |error| basin_domain::causes::in_words(&error);
        connected
            .map(TokioIo::into_inner)
            .map_err(|error| DialError::Proxy { proxy: self.name, why: why(error) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(to: &str, proxies: &[(&str, &str)]) -> Result<Option<Proxy>, DialError> {
        let mut builder = Matcher::builder();
        for (name, value) in proxies {
            builder = match *name {
                "https" => builder.https(value.to_string()),
                "http" => builder.http(value.to_string()),
                _ => builder.no(value.to_string()),
            };
        }
        Proxy::of(&builder.build(), &to.parse().unwrap(), &HttpConnector::new())
    }

    #[test]
    fn the_scheme_chooses_the_proxy_and_exceptions_are_heeded() {
        let proxies = [("https", "http://proxy:3128"), ("no", "inner.example,10.0.0.0/8")];
        assert_eq!(proxy("https://far.example", &proxies).unwrap().unwrap().name, "proxy:3128");
        for to in ["http://far.example", "https://a.inner.example:7470", "https://10.1.2.3:7470"] {
            assert!(proxy(to, &proxies).unwrap().is_none(), "{to}");
        }
    }

    #[test]
    fn a_proxys_password_is_not_in_its_name() {
        let found =
            proxy("https://far.example", &[("https", "http://user:hunter2@proxy:3128")]).unwrap().unwrap();
        assert_eq!(found.name, "proxy:3128");
    }

    #[test]
    fn a_proxy_of_another_kind_is_refused() {
        let refused = proxy("https://far.example", &[("https", "socks5://proxy:1080")]).err().unwrap();
        assert!(refused.to_string().contains("only http:// proxies"), "{refused}");
    }
}
