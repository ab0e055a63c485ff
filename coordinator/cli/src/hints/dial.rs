//! Coordinators that aren't reached.

use basin_domain::proxy;
use basin_proto::dial::{ConnectError, DialError, TlsError};

use super::tls_file;

/// The hint for a coordinator that can't be dialled.
pub(crate) fn dial(error: &DialError) -> Option<String> {
    let hint = match error {
        DialError::BadAddress(_) | DialError::Unreached { .. } | DialError::Handshake { .. } => return None,
        DialError::NameInAddress => "show a token instead: `--token-file FILE` or BASIN_TOKEN",
        DialError::TokenFile { .. } => "name the file with `--token-file FILE` or BASIN_TOKEN_FILE",
        DialError::BadToken { .. } => "a token is the line that `basin token create` printed, like basin_…",
        DialError::File(error) => return tls_file(error),
        DialError::NoAuthorities => {
            "name the authority that signed the coordinator's certificate with `--tls-ca FILE`"
        }
        DialError::Proxy { .. } => "to go without the proxy, put the coordinator's host into NO_PROXY",
        DialError::ProxyVariable { .. } => {
            return Some(format!(
                "a proxy is named like {}; unset the variable, or put the coordinator's host into NO_PROXY, to go \
                 without one",
                proxy::EXAMPLE
            ));
        }
        DialError::Tls(error) => tls(error),
        DialError::TooSlow { .. } => {
            "look for a firewall between; the coordinator's port must be open to here"
        }
    };
    Some(hint.to_owned())
}

/// The hint for a call that didn't arrive.
pub(super) fn connect(error: &ConnectError) -> Option<String> {
    match error {
        ConnectError::Dial(error) => dial(error),
        ConnectError::Tls(error) => Some(tls(error).to_owned()),
        ConnectError::NotGrpc => Some(
            "another program listens there: name the coordinator with `--coordinator URL`, or start one at another port with \
             `basin serve --listen 127.0.0.1:PORT`"
                .to_owned(),
        ),
        ConnectError::Refused { hint, .. } => hint.clone(),
        ConnectError::Transport(_) => None,
    }
}

/// The hint where the two ends of TLS don't trust each other.
fn tls(error: &TlsError) -> &'static str {
    match error {
        TlsError::Expired(_) => {
            "renew the certificate that `basin serve --tls-cert` names; it is read again by itself"
        }
        TlsError::NotYetValid => "compare the clocks of both machines",
        TlsError::UnknownAuthority => "name the authority that signed it with `--tls-ca FILE`",
        TlsError::OtherName { .. } => {
            "dial by a name that the certificate has, or make one with this name (subjectAltName)"
        }
        TlsError::Unacceptable(_) => "look at it with `openssl s_client -connect HOST:PORT -showcerts`",
        TlsError::NotTls => "if the coordinator has no TLS, its address begins with http://",
        TlsError::WantsCertificate => "show one with `--tls-cert FILE --tls-key FILE`",
        TlsError::RefusesCertificate(_) => {
            "it must be signed by the authority that `basin serve --tls-client-ca` names, and be in date"
        }
        TlsError::NotGrpc => {
            "the address may be that of another service; a proxy between must let HTTP/2 through"
        }
    }
}
