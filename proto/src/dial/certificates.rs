//! Whom a client trusts, and what it proves itself with.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_rustls::rustls::client::ResolvesClientCert;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SignatureScheme};

use super::DialError;
use crate::tls::{self, TlsFileError};

/// The files that a client's TLS is made of. They are read when a connection is opened, so renewed ones are used from then on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificates {
    /// The authorities to trust; those of the system if not given.
    pub authorities: Option<PathBuf>,
    /// The client's own certificate and its key, for a coordinator that wants to see one.
    pub identity: Option<Identity>,
}

/// A certificate and its key, in files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, and after it those that signed it.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Certificates {
    /// The configuration of one connection's TLS, from what the files hold now, and whether the other end asked for a certificate.
    pub(super) fn configuration(&self) -> Result<(Arc<ClientConfig>, Arc<RecordingCertResolver>), DialError> {
        let roots = match &self.authorities {
            Some(path) => tls::authorities(path)?,
            None => system_authorities()?,
        };
        let builder = ClientConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has the suites of TLS 1.2 and 1.3")
            .with_root_certificates(roots);
        let mut configuration = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => builder
                .with_client_auth_cert(tls::certificates(certificate)?, tls::key(key)?)
                .map_err(|error| TlsFileError::NotAPair {
                    certificate: certificate.clone(),
                    key: key.clone(),
                    why: error.to_string(),
                })?,
        };
        configuration.alpn_protocols.push(tls::ALPN.to_vec());
        let own = Arc::clone(&configuration.client_auth_cert_resolver);
        let asked = Arc::new(RecordingCertResolver { own, asked: AtomicBool::new(false) });
        configuration.client_auth_cert_resolver = Arc::clone(&asked) as Arc<dyn ResolvesClientCert>;
        Ok((Arc::new(configuration), asked))
    }
}

/// Answers the other end's request for a certificate, and remembers that there was one.
#[derive(Debug)]
pub(super) struct RecordingCertResolver {
    own: Arc<dyn ResolvesClientCert>,
    asked: AtomicBool,
}

impl RecordingCertResolver {
    /// Whether the other end asked.
    pub(super) fn was_requested(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for RecordingCertResolver {
    fn resolve(&self, hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.own.resolve(hints, schemes)
    }

    fn has_certs(&self) -> bool {
        self.own.has_certs()
    }
}

fn system_authorities() -> Result<RootCertStore, DialError> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 { Err(DialError::NoAuthorities) } else { Ok(roots) }
}
