//! TLS to the database, with as much verification as libpq's modes ask for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The checks of the server that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verification {
    /// Nothing: it is encrypted, and may go to anybody.
    Nothing,
    /// Somebody who is trusted has signed its certificate.
    Chain,
    /// And it is the certificate of this name.
    ChainAndName,
}

/// Why connections can't be made safe.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificates that were named can't be read.
    #[error("no certificates can be read from {}", path.display())]
    RootFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// There are none to trust.
    #[error("this machine trusts no certificates; name some with `sslrootcert`")]
    NoRoots,
    /// They can't be used.
    #[error("the certificates to trust can't be used")]
    Unusable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Makes connections safe.
#[derive(Clone)]
pub(super) struct Connector(MakeRustlsConnect);

impl Connector {
    pub(super) fn new(verification: Verification, roots: Option<&Path>) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Unusable(error.into()))?;
        let config = match verification {
            Verification::ChainAndName => {
                builder.with_root_certificates(trusted(roots)?).with_no_client_auth()
            }
            Verification::Chain => {
                let trusted = Arc::new(trusted(roots)?);
                let chain = WebPkiServerVerifier::builder_with_provider(trusted, Arc::clone(&provider))
                    .build()
                    .map_err(|error| TlsError::Unusable(error.into()))?;
                let verifier = Lenient { provider, chain: Some(chain) };
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
            }
            Verification::Nothing => {
                let verifier = Lenient { provider, chain: None };
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
            }
        };
        Ok(Self(MakeRustlsConnect::new(config)))
    }

    pub(super) fn make(&self) -> MakeRustlsConnect {
        self.0.clone()
    }
}

/// The certificates that are trusted: those of a file, or this machine's.
fn trusted(file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    match file {
        Some(path) => {
            let unreadable = |source| TlsError::RootFile { path: path.to_owned(), source };
            for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
                let certificate = certificate.map_err(unreadable)?;
                roots.add(certificate).map_err(|error| TlsError::Unusable(error.into()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() { Err(TlsError::NoRoots) } else { Ok(roots) }
}

/// libpq's weaker modes: any certificate, or any of a trusted chain whatever its name. That the server holds the
/// certificate's key is checked all the same.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    chain: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(certificate, between, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
