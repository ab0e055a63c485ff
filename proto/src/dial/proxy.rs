//! Proxies: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, as curl understands them, by CONNECT. A variable that
//! should be used and names no proxy is an error, since without it calls would go where nobody expects them.

use std::ffi::OsString;

use basin_domain::proxy::{FOR_HTTP, FOR_HTTPS, fault};
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
        if address.is_loopback() || is_excepted(address, |name| std::env::var_os(name)) {
            return Ok(None);
        }
        let variable = variable_for(address, |name| std::env::var_os(name))?;
        let proxy = Self::of(&Matcher::from_env(), address, http)?;
        match variable {
            Some(variable) if proxy.is_none() => {
                Err(DialError::ProxyVariable { variable, why: "it is not understood" })
            }
            Some(_) | None => Ok(proxy),
        }
    }

    fn of(matcher: &Matcher, address: &Address, http: &HttpConnector) -> Result<Option<Self>, DialError> {
        let Some(found) = matcher.intercept(address.uri()) else { return Ok(None) };
        // Whatever stands before the host is a user's or a password.
        let authority = found.uri().authority().map_or("", |it| it.as_str());
        let name = authority.rsplit_once('@').map_or(authority, |(_, server)| server).to_owned();
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
        let why = |error| basin_domain::error_chain::with_causes(&error);
        connected
            .map(TokioIo::into_inner)
            .map_err(|error| DialError::Proxy { proxy: self.name, why: why(error) })
    }
}

/// Whether `NO_PROXY` says that an address is reached directly.
fn is_excepted(address: &Address, environment: impl Fn(&str) -> Option<OsString>) -> bool {
    let exceptions = ["NO_PROXY", "no_proxy"].into_iter().find_map(environment);
    let exceptions = exceptions.and_then(|value| value.into_string().ok()).unwrap_or_default();
    let through_any = Matcher::builder().all("http://proxy.invalid").no(exceptions).build();
    through_any.intercept(address.uri()).is_none()
}

/// The variable that names the proxy for an address, if one is set. The first of each pair that is set counts, as in the
/// library that reads them.
fn variable_for(
    address: &Address,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<String>, DialError> {
    let variables = if address.is_encrypted() { FOR_HTTPS } else { FOR_HTTP };
    for pair in variables.chunks(2) {
        let set = pair.iter().find_map(|name| Some((*name, environment(name)?)));
        let Some((name, value)) = set.filter(|(_, value)| !value.is_empty()) else { continue };
        let fault = value.to_str().map_or(Some("it is not text"), fault);
        return match fault {
            None => Ok(Some(name.to_owned())),
            Some(why) => Err(DialError::ProxyVariable { variable: name.to_owned(), why }),
        };
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(to: &str, set: &[(&str, &str)]) -> Result<Option<String>, String> {
        let environment =
            |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
        variable_for(&to.parse().unwrap(), environment).map_err(|error| error.to_string())
    }

    #[test]
    fn a_variable_that_names_no_proxy_is_named_and_its_password_is_not() {
        for (name, value) in [
            ("HTTP_PROXY", "http://user:hunter2@"),
            ("http_proxy", "htp://user:hunter2@proxy:3128"),
            ("ALL_PROXY", "http://user:hunter2@proxy:port"),
            ("all_proxy", "http://user:hun@ter2@proxy:3128"),
            ("HTTP_PROXY", "http://user:hun/ter2@proxy:3128"),
        ] {
            let said = variable("http://far.example", &[(name, value)]).unwrap_err();
            assert!(said.starts_with(&format!("{name} names no proxy: ")), "{said}");
            assert!(!said.contains("hun") && !said.contains("ter2"), "{said}");
        }
    }

    #[test]
    fn only_the_variable_that_counts_is_looked_at() {
        let bad = "nowhere at all";
        let set = [("HTTPS_PROXY", "http://proxy:3128"), ("ALL_PROXY", bad), ("HTTP_PROXY", bad)];
        assert_eq!(variable("https://far.example", &set), Ok(Some("HTTPS_PROXY".to_owned())));
        assert!(variable("http://far.example", &set).unwrap_err().starts_with("HTTP_PROXY"));
        assert_eq!(variable("http://far.example", &[("HTTP_PROXY", "")]), Ok(None));
        assert!(variable("http://far.example", &[("HTTP_PROXY", ""), ("all_proxy", bad)]).is_err());
        let excepted = |name: &str| (name == "NO_PROXY").then(|| "far.example".into());
        assert!(is_excepted(&"http://far.example".parse().unwrap(), excepted));
        assert!(!is_excepted(&"http://other.example".parse().unwrap(), excepted));
    }

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
        // A library that ends the user at the first @ leaves a part of the password before the host.
        let found =
            proxy("https://far.example", &[("https", "http://user:hun@ter2@proxy:3128")]).unwrap().unwrap();
        assert_eq!(found.name, "proxy:3128");
    }

    #[test]
    fn a_proxy_of_another_kind_is_refused() {
        let refused = proxy("https://far.example", &[("https", "socks5://proxy:1080")]).err().unwrap();
        assert!(refused.to_string().contains("only http:// proxies"), "{refused}");
    }
}
