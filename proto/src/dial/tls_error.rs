//! The reason why the two ends of TLS don't trust each other.

use std::error::Error;

use basin_domain::utc::Utc;
use tokio_rustls::rustls::{self, AlertDescription, CertificateError, InvalidMessage};

/// The reason why the two ends of TLS don't trust each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The coordinator's certificate is too old.
    #[error("the coordinator's certificate expired{}", on(*.0))]
    Expired(Option<Utc>),
    /// The coordinator's certificate isn't valid yet: more often than not one of the clocks is wrong.
    #[error("the coordinator's certificate is not valid yet")]
    NotYetValid,
    /// Nobody whom this end trusts has signed it.
    #[error("the coordinator's certificate is signed by nobody who is trusted here")]
    UnknownAuthority,
    /// It is another host's.
    #[error("the coordinator's certificate is for {presented}, not for {expected}")]
    OtherName {
        /// The name that was dialled.
        expected: String,
        /// The names that it is for.
        presented: String,
    },
    /// It can't be used for another reason.
    #[error("the coordinator's certificate is not accepted: {0}")]
    Unacceptable(String),
    /// The server doesn't speak TLS.
    #[error("what answers there does not speak TLS")]
    NotTls,
    /// The coordinator wants to see a certificate of the caller.
    #[error("the coordinator wants a client certificate")]
    WantsCertificate,
    /// The coordinator doesn't accept the caller's certificate.
    #[error("the coordinator does not accept this client's certificate ({0})")]
    RefusesCertificate(String),
    /// The server speaks TLS, and something else in it.
    #[error("what answers there speaks TLS, but not gRPC")]
    NotGrpc,
}

fn on(date: Option<Utc>) -> String {
    date.map_or_else(String::new, |date| format!(" on {date}"))
}

impl TlsError {
    /// An error of TLS, if it is one of trust.
    pub(super) fn of(error: &rustls::Error) -> Option<Self> {
        let refuses = |alert: &AlertDescription| Some(Self::RefusesCertificate(format!("{alert:?}")));
        match error {
            rustls::Error::InvalidCertificate(error) => Some(Self::of_certificate(error)),
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Some(Self::NotTls),
            rustls::Error::NoApplicationProtocol => Some(Self::NotGrpc),
            rustls::Error::AlertReceived(alert) => match alert {
                AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
                    Some(Self::WantsCertificate)
                }
                AlertDescription::NoApplicationProtocol => Some(Self::NotGrpc),
                AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied
                | AlertDescription::DecryptError => refuses(alert),
                _ => None,
            },
            _ => None,
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::Expired => Self::Expired(None),
            CertificateError::ExpiredContext { not_after, .. } => {
                Self::Expired(Some(Utc::from_unix(not_after.as_secs())))
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::UnknownIssuer => Self::UnknownAuthority,
            CertificateError::NotValidForNameContext { expected, presented } => {
                Self::OtherName { expected: expected.to_str().into_owned(), presented: names(presented) }
            }
            other => Self::Unacceptable(other.to_string()),
        }
    }
}

/// The names that a certificate is for, as the library shows them: `DnsName("a")`, `IpAddress(127.0.0.1)`.
fn names(presented: &[String]) -> String {
    let name = |shown: &String| {
        let inner = shown.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(shown);
        inner.trim_matches('"').to_owned()
    };
    if presented.is_empty() {
        "nobody".to_owned()
    } else {
        presented.iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

/// The error of TLS that an error is, or that it holds.
pub(super) fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    error.downcast_ref::<std::io::Error>()?.get_ref()?.downcast_ref::<rustls::Error>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_for_others_names_them() {
        let presented = ["DnsName(\"a.example\")".to_owned(), "IpAddress(127.0.0.1)".to_owned()];
        assert_eq!(names(&presented), "a.example, 127.0.0.1");
        assert_eq!(names(&[]), "nobody");
    }

    #[test]
    fn an_old_certificate_says_since_when() {
        let error = TlsError::of_certificate(&CertificateError::ExpiredContext {
            time: rustls::pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(
                2_000_000_000,
            )),
            not_after: rustls::pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(
                1_000_000_000,
            )),
        });
        assert_eq!(error.to_string(), "the coordinator's certificate expired on 2001-09-09T01:46:40Z");
    }
}
