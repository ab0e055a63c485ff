//! The coordinator's side of TLS: its certificate, and whose certificates it wants to see.

use std::path::PathBuf;
use std::sync::Arc;

use basin_proto::tls::{self, TlsFileError};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::server::WebPkiClientVerifier;

use super::WatchedFiles;

/// The files that a coordinator's TLS is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTlsFiles {
    /// The coordinator's certificate, and after it those that signed it.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authorities one of which must have signed a caller's certificate; without, callers need none.
    pub client_authorities: Option<PathBuf>,
}

/// A coordinator's TLS, made again when its files change: who connects from then on sees the new certificate.
pub type ServerTls = WatchedFiles<ServerConfig, TlsFileError>;

impl ServerTlsFiles {
    /// The settings that the files make, to be followed.
    ///
    /// # Errors
    /// If a file can't be used.
    pub fn open(self) -> Result<ServerTls, TlsFileError> {
        let mut files = vec![self.certificate.clone(), self.key.clone()];
        files.extend(self.client_authorities.clone());
        WatchedFiles::open(files, move || self.configuration())
    }

    fn configuration(&self) -> Result<ServerConfig, TlsFileError> {
        let builder = ServerConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has the suites of TLS 1.2 and 1.3");
        let builder = match &self.client_authorities {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let roots = Arc::new(tls::authorities(path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, tls::provider()).build();
                let verifier = verifier
                    .map_err(|error| TlsFileError::Damaged { path: path.clone(), why: error.to_string() })?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let certificates = tls::certificates(&self.certificate)?;
        let mut configuration =
            builder.with_single_cert(certificates, tls::key(&self.key)?).map_err(|error| {
                TlsFileError::NotAPair {
                    certificate: self.certificate.clone(),
                    key: self.key.clone(),
                    why: error.to_string(),
                }
            })?;
        configuration.alpn_protocols.push(tls::ALPN.to_vec());
        Ok(configuration)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn pair(folder: &Path, name: &str) -> ServerTlsFiles {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        ServerTlsFiles { certificate, key, client_authorities: None }
    }

    #[test]
    fn a_certificate_is_used_with_its_own_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (pair(folder.path(), "one"), pair(folder.path(), "other"));
        assert!(one.clone().open().is_ok());
        let mixed = ServerTlsFiles { key: other.key, ..one };
        assert!(matches!(mixed.open().err(), Some(TlsFileError::NotAPair { .. })));
    }

    #[test]
    fn a_renewed_certificate_is_taken_once_its_key_is_there_too() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (pair(folder.path(), "one"), pair(folder.path(), "other"));
        let tls = one.clone().open().unwrap();
        let first = tls.current();
        std::fs::copy(&other.certificate, &one.certificate).unwrap();
        assert!(tls.reload_if_changed().unwrap().is_err());
        assert!(Arc::ptr_eq(&first, &tls.current()));
        std::fs::copy(&other.key, &one.key).unwrap();
        assert!(tls.reload_if_changed().unwrap().is_ok());
        assert!(!Arc::ptr_eq(&first, &tls.current()));
    }
}
