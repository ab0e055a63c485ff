//! Certificates and keys that can't be used.

use basin_proto::tls::TlsFileError;

/// The hint for a file that can't be used for TLS.
pub(crate) fn tls_file(error: &TlsFileError) -> Option<String> {
    let hint = match error {
        TlsFileError::Unreadable { .. } => return None,
        TlsFileError::Missing { what, .. } => {
            format!("the file must have lines like `-----BEGIN {}-----`", what.to_uppercase())
        }
        TlsFileError::Damaged { .. } => "look at it with `openssl x509 -noout -text -in FILE`".to_owned(),
        TlsFileError::EncryptedKey { path } => {
            format!("decrypt it: `openssl pkey -in {} -out decrypted.key`", path.display())
        }
        TlsFileError::NotAPair { .. } => {
            "both must come from one request; the certificate itself comes first in its file, then those that signed it"
                .to_owned()
        }
    };
    Some(hint)
}
