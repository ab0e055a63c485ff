//! Why a call didn't arrive, in words: gRPC's own status says "transport error" and keeps the reason in its causes.

use std::error::Error;

use basin_domain::error_chain;
use basin_domain::utc::Utc;
use tokio_rustls::rustls::{self, AlertDescription, CertificateError, InvalidMessage};
use tonic::Status;

use super::DialError;

/// What keeps the two ends of TLS from trusting each other.
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
    /// What answers doesn't speak TLS.
    #[error("what answers there does not speak TLS")]
    NotTls,
    /// The coordinator wants to see a certificate of the caller.
    #[error("the coordinator wants a client certificate")]
    WantsCertificate,
    /// The coordinator doesn't accept the caller's certificate.
    #[error("the coordinator does not accept this client's certificate ({0})")]
    RefusesCertificate(String),
    /// What answers speaks TLS, and something else in it.
    #[error("what answers there speaks TLS, but not gRPC")]
    NotGrpc,
}

fn on(date: Option<Utc>) -> String {
    date.map_or_else(String::new, |date| format!(" on {date}"))
}

impl TlsError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Expired(_) => {
                "renew the certificate that `basin serve --tls-cert` names; it is read again by itself"
            }
            Self::NotYetValid => "compare the clocks of both machines",
            Self::UnknownAuthority => "name the authority that signed it with `--tls-ca FILE`",
            Self::OtherName { .. } => {
                "dial by a name that the certificate has, or make one with this name (subjectAltName)"
            }
            Self::Unacceptable(_) => "look at it with `openssl s_client -connect HOST:PORT -showcerts`",
            Self::NotTls => "if the coordinator has no TLS, its address begins with http://",
            Self::WantsCertificate => "show one with `--tls-cert FILE --tls-key FILE`",
            Self::RefusesCertificate(_) => {
                "it must be signed by the authority that `basin serve --tls-client-ca` names, and be in date"
            }
            Self::NotGrpc => {
                "the address may be that of another service; a proxy between must let HTTP/2 through"
            }
        }
    }

    /// The trouble of an error of TLS, if it is one of trust.
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

/// Why a call didn't arrive, or its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectError {
    /// The reason in words.
    pub why: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
    /// Whether what was given is wrong, rather than the network or the other end.
    pub is_input: bool,
}

impl ConnectError {
    /// The trouble behind a status; none if the coordinator itself gave it.
    pub fn of(status: &Status) -> Option<Self> {
        let outermost = status.source()?;
        let mut cause = Some(outermost);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<DialError>() {
                let why = match error {
                    DialError::Unreached { .. } => error_chain::root_cause(error),
                    other => error_chain::with_causes(other),
                };
                return Some(Self { why, hint: error.hint(), is_input: error.is_input() });
            }
            // TLS 1.3 lets a client speak before it is accepted: the refusal arrives in the midst of a call.
            if let Some(trouble) = tls_error(error).and_then(TlsError::of) {
                let (why, hint) = (trouble.to_string(), Some(trouble.hint().to_owned()));
                return Some(Self { why, hint, is_input: true });
            }
            cause = error.source();
        }
        Some(Self { why: error_chain::root_cause(outermost), hint: None, is_input: false })
    }
}

/// Whether nobody listens at the coordinator's address: it is dead, rather than cut off, and grants nothing to anybody. What
/// a proxy says is no such proof: its causes are words.
pub(super) fn is_refused_connection(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return io.kind() == std::io::ErrorKind::ConnectionRefused;
        }
        cause = error.source();
    }
    false
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
        let trouble = TlsError::of_certificate(&CertificateError::ExpiredContext {
            time: rustls::pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(
                2_000_000_000,
            )),
            not_after: rustls::pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(
                1_000_000_000,
            )),
        });
        assert_eq!(trouble.to_string(), "the coordinator's certificate expired on 2001-09-09T01:46:40Z");
    }

    #[test]
    fn a_status_from_the_coordinator_itself_is_no_trouble_of_the_way() {
        assert_eq!(ConnectError::of(&Status::unavailable("the coordinator is shutting down")), None);
    }
}
