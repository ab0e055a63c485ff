//! The parts that all stores on the network share: one try a call, credentials whose absence is said, a prefix.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use basin_domain::proxy::{self, FOR_HTTP, FOR_HTTPS};
use object_store::prefix::PrefixStore;
use object_store::{
    Certificate, ClientConfigKey, ClientOptions, CredentialProvider, ObjectStore, RetryConfig,
};

use super::address::Address;
use super::environment::Environment;
use super::opened::OpenedStore;
use crate::no_credentials::NoCredentials;
use crate::{Misconfiguration, Provider, Result, StorageError};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How often credentials are asked for before it is said that there are none.
const CREDENTIAL_TRIES: u32 = 3;
/// The pause in between.
const CREDENTIAL_PAUSE: Duration = Duration::from_millis(300);

/// Calls are tried once: [`crate::Retry`] is what tries again. Two layers of it would multiply, would hide from the commit
/// which of its writes may have landed, and would outlast a lease.
pub(super) fn one_try() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}

/// The options of the HTTP client. A call's time is bounded by [`crate::Retry::timeout`], which grows with its size;
/// the client's own limit would end every large download.
///
/// # Errors
/// [`StorageError::Unconfigured`] if a variable that should name a proxy doesn't: the library would go without one, and say
/// nothing.
pub(super) fn client(
    url: &str,
    environment: &Environment,
    allow_http: bool,
    configured: &[(ClientConfigKey, String)],
) -> Result<ClientOptions> {
    proxies_are_named(url, environment, configured)?;
    // The client takes the process's provider of cryptography; one that is there already stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = ClientOptions::new().with_connect_timeout(CONNECT).with_allow_http(allow_http);
    let options =
        configured.iter().fold(options, |options, (key, value)| options.with_config(*key, value.as_str()));
    Ok(options.with_timeout_disabled())
}

/// Checks every variable that may name a proxy. Their values may hold a password, and aren't repeated.
fn proxies_are_named(
    url: &str,
    environment: &Environment,
    configured: &[(ClientConfigKey, String)],
) -> Result<()> {
    let own = configured.iter().find(|(key, _)| *key == ClientConfigKey::ProxyUrl);
    let named: Vec<(&str, &str)> = match own {
        Some((_, value)) => vec![("the store's …_PROXY_URL", value)],
        None => {
            let names = FOR_HTTPS.iter().chain(&FOR_HTTP);
            names.filter_map(|name| Some((*name, environment.get(name)?))).collect()
        }
    };
    match named.into_iter().find_map(|(name, value)| Some((name, proxy::fault(value)?))) {
        None => Ok(()),
        Some((name, why)) => Err(StorageError::Unconfigured {
            store: url.to_owned(),
            problem: Misconfiguration::Proxy { variable: name.to_owned(), why },
        }),
    }
}

/// Trusts the certificates of a PEM file beside the system's.
pub(super) fn trusting(
    options: ClientOptions,
    url: &str,
    variable: &'static str,
    file: &str,
) -> Result<ClientOptions> {
    let bad = |why: String| StorageError::Unconfigured {
        store: url.to_owned(),
        problem: Misconfiguration::Certificates { variable, file: file.to_owned(), why },
    };
    let text = std::fs::read(file).map_err(|error| bad(error.to_string()))?;
    let certificates = Certificate::from_pem_bundle(&text).map_err(|error| bad(error.to_string()))?;
    Ok(certificates.into_iter().fold(options, ClientOptions::with_root_certificate))
}

/// Whether an endpoint is plain HTTP; `name` is what it was named by.
pub(super) fn is_plain_http(url: &str, name: &str, endpoint: &str) -> Result<bool> {
    let parsed = url::Url::parse(endpoint).ok().filter(url::Url::has_host);
    match parsed.as_ref().map(url::Url::scheme) {
        Some("http") => Ok(true),
        Some("https") => Ok(false),
        _ => Err(StorageError::Unconfigured {
            store: url.to_owned(),
            problem: Misconfiguration::Endpoint { setting: name.to_owned(), endpoint: endpoint.to_owned() },
        }),
    }
}

/// A store that its builder refuses to make.
pub(super) fn rejected(url: &str, error: &object_store::Error, provider: Provider) -> StorageError {
    let problem =
        Misconfiguration::Rejected { provider, message: basin_domain::error_chain::root_cause(error) };
    StorageError::Unconfigured { store: url.to_owned(), problem }
}

/// The opened store, all keys under the address' prefix.
pub(super) fn opened<T: ObjectStore>(objects: T, address: Address) -> OpenedStore {
    let Address { prefix, url, .. } = address;
    let objects: Arc<dyn ObjectStore> = match prefix {
        Some(prefix) => Arc::new(PrefixStore::new(objects, prefix)),
        None => Arc::new(objects),
    };
    OpenedStore { objects, url, root: None }
}

/// Credentials of which it is said when there are none.
///
/// Where none are configured, `object_store` asks the machine's metadata service. On a machine that has none, every call
/// would fail as if the store were down, and would be tried again and again.
#[derive(Debug)]
pub(super) struct Credentials<T> {
    source: Arc<dyn CredentialProvider<Credential = T>>,
    /// Once there were some, their absence is a failure that passes.
    had: AtomicBool,
}

impl<T> Credentials<T> {
    /// Those of `source`.
    pub(super) fn of(source: &Arc<dyn CredentialProvider<Credential = T>>) -> Arc<Self> {
        Arc::new(Self { source: Arc::clone(source), had: AtomicBool::new(false) })
    }
}

#[async_trait]
impl<T: std::fmt::Debug + Send + Sync> CredentialProvider for Credentials<T> {
    type Credential = T;

    async fn get_credential(&self) -> object_store::Result<Arc<T>> {
        let mut tries = 0;
        loop {
            match self.source.get_credential().await {
                Ok(credential) => {
                    self.had.store(true, Ordering::Relaxed);
                    return Ok(credential);
                }
                Err(error) if self.had.load(Ordering::Relaxed) => return Err(error),
                Err(error) => {
                    tries += 1;
                    if tries >= CREDENTIAL_TRIES {
                        let why = basin_domain::error_chain::root_cause(&error);
                        let source = NoCredentials(why).into();
                        return Err(object_store::Error::Unauthenticated { path: String::new(), source });
                    }
                    tokio::time::sleep(CREDENTIAL_PAUSE).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Gives what it is told to, the last of it for ever.
    #[derive(Debug)]
    struct Told(Mutex<Vec<bool>>);

    #[async_trait]
    impl CredentialProvider for Told {
        type Credential = ();

        async fn get_credential(&self) -> object_store::Result<Arc<()>> {
            let mut told = self.0.lock().unwrap();
            let gives = if told.len() > 1 { told.remove(0) } else { told[0] };
            let refused = || object_store::Error::Generic { store: "S3", source: "no route".into() };
            gives.then(Arc::default).ok_or_else(refused)
        }
    }

    fn credentials(told: &[bool]) -> Arc<Credentials<()>> {
        let source: Arc<dyn CredentialProvider<Credential = ()>> = Arc::new(Told(Mutex::new(told.to_vec())));
        Credentials::of(&source)
    }

    #[test]
    fn a_variable_that_names_no_proxy_is_named_and_its_password_is_not() {
        let said = |variables: &[(&str, &str)], configured: &[(ClientConfigKey, String)]| {
            let error = client("s3://b", &Environment::of(variables), false, configured).unwrap_err();
            format!("{error} {error:?}")
        };
        for name in ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"] {
            let text = said(&[(name, "http://user:hun@ter2@proxy:3128")], &[]);
            assert!(text.contains(&format!("{name} names no proxy")), "{text}");
            assert!(!text.contains("hun") && !text.contains("ter2"), "{text}");
        }
        let own = (ClientConfigKey::ProxyUrl, "ftp://user:hunter2@proxy".to_owned());
        assert!(!said(&[], &[own]).contains("hunter2"));
        let good = [("HTTPS_PROXY", "http://user:hunter2@proxy:3128"), ("HTTP_PROXY", "")];
        assert!(client("s3://b", &Environment::of(&good), false, &[]).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_that_never_come_are_said_to_be_missing() {
        let error = credentials(&[false]).get_credential().await.unwrap_err();
        let error = StorageError::of_store("s3://b", "k", error);
        assert!(matches!(error, StorageError::NoCredentials { .. }), "{error:?}");
        assert!(basin_domain::error_chain::with_causes(&error).ends_with("no route"), "{error:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_that_come_late_are_waited_for_and_later_gaps_pass() {
        let credentials = credentials(&[false, false, true, false]);
        credentials.get_credential().await.unwrap();
        let error = credentials.get_credential().await.unwrap_err();
        assert!(StorageError::of_store("s3://b", "k", error).is_transient());
    }
}
