//! The files and cryptography that both ends of TLS need: certificates and keys from PEM files, and the one provider of cryptography.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The protocol that both ends agree on within TLS.
pub const ALPN: &[u8] = b"h2";

/// A file that can't be used for TLS.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TlsFileError {
    /// It can't be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// It isn't PEM, or holds something else.
    #[error("{} holds no {what} in PEM", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The expected content.
        what: &'static str,
    },
    /// A certificate or key in it is damaged.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// In what way.
        why: String,
    },
    /// The key is encrypted, and there is nobody to ask for the passphrase.
    #[error("the key in {} is encrypted", path.display())]
    EncryptedKey {
        /// The file.
        path: PathBuf,
    },
    /// Certificate and key are not a pair.
    #[error("the certificate in {} and the key in {} do not belong together: {why}", certificate.display(), key.display())]
    NotAPair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// The library's words.
        why: String,
    },
}

/// The one provider of cryptography.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn read(path: &Path) -> Result<Vec<u8>, TlsFileError> {
    std::fs::read(path)
        .map_err(|error| TlsFileError::Unreadable { path: path.to_owned(), source: Arc::new(error) })
}

fn damaged(path: &Path, error: &impl std::fmt::Display) -> TlsFileError {
    TlsFileError::Damaged { path: path.to_owned(), why: error.to_string() }
}

/// The certificates in a file, the first one first; at least one.
///
/// # Errors
/// If the file can't be read, or holds none.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFileError> {
    let bytes = read(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let certificates = certificates.map_err(|error| damaged(path, &error))?;
    if certificates.is_empty() {
        return Err(TlsFileError::Missing { path: path.to_owned(), what: "certificate" });
    }
    Ok(certificates)
}

/// The key in a file.
///
/// # Errors
/// If the file can't be read, holds none, or an encrypted one.
pub fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsFileError> {
    let bytes = read(path)?;
    match PrivateKeyDer::from_pem_slice(&bytes) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) if is_encrypted(&bytes) => {
            Err(TlsFileError::EncryptedKey { path: path.to_owned() })
        }
        Err(pem::Error::NoItemsFound) => {
            Err(TlsFileError::Missing { path: path.to_owned(), what: "private key" })
        }
        Err(error) => Err(damaged(path, &error)),
    }
}

fn is_encrypted(bytes: &[u8]) -> bool {
    String::from_utf8_lossy(bytes).contains("ENCRYPTED")
}

/// The certification authorities in a file; at least one.
///
/// # Errors
/// If the file can't be read, or holds none that can be trusted.
pub fn authorities(path: &Path) -> Result<RootCertStore, TlsFileError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| damaged(path, &error))?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_what_it_should_be_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let absent = folder.path().join("absent");
        assert!(matches!(certificates(&absent), Err(TlsFileError::Unreadable { .. })));
        let notes = file("notes", "nothing of the kind\n");
        assert!(matches!(certificates(&notes), Err(TlsFileError::Missing { what: "certificate", .. })));
        assert!(matches!(key(&notes), Err(TlsFileError::Missing { what: "private key", .. })));
        let pem = |what: &str| format!("-----BEGIN {what}-----\nAAAA\n-----END {what}-----\n");
        let encrypted = file("encrypted", &pem("ENCRYPTED PRIVATE KEY"));
        assert!(matches!(key(&encrypted), Err(TlsFileError::EncryptedKey { .. })));
        let cut = file("cut", "-----BEGIN CERTIFICATE-----\nAAAA\n");
        assert!(matches!(certificates(&cut), Err(TlsFileError::Damaged { .. })));
        let senseless = file("senseless", &pem("CERTIFICATE"));
        assert!(matches!(authorities(&senseless), Err(TlsFileError::Damaged { .. })));
    }
}
