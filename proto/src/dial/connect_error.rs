//! Why a call didn't arrive: gRPC's own status says "transport error" and keeps the reason in its causes.

use std::error::Error;
use std::fmt;

use basin_domain::error_chain;
use tonic::{Code, Status};

use super::error::DialError;
use super::tls_error::{TlsError, tls_error};

/// Why a call didn't arrive, or its answer.
#[derive(Debug, Clone)]
pub enum ConnectError {
    /// No connection was made.
    Dial(DialError),
    /// The other end ended it in the midst of a call: with TLS 1.3 a client may speak before it is accepted.
    Tls(TlsError),
    /// Somebody answers, and it is no coordinator: it speaks something else.
    NotGrpc,
    /// The transport failed in another way, in the library's words.
    Transport(String),
    /// Somebody answered each time, and refused.
    Refused {
        /// The last answer's words.
        message: String,
        /// The hint of whoever answered.
        hint: Option<String>,
    },
}

impl ConnectError {
    /// The error behind a status; none if the coordinator itself gave it.
    pub fn of(status: &Status) -> Option<Self> {
        if is_from_elsewhere(status) {
            return Some(Self::NotGrpc);
        }
        let outermost = status.source()?;
        let mut cause = Some(outermost);
        while let Some(error) = cause {
            if error.is::<SpeaksSomethingElse>() {
                return Some(Self::NotGrpc);
            }
            if let Some(error) = error.downcast_ref::<DialError>() {
                return Some(Self::Dial(error.clone()));
            }
            if let Some(error) = tls_error(error).and_then(TlsError::of) {
                return Some(Self::Tls(error));
            }
            cause = error.source();
        }
        Some(Self::Transport(error_chain::root_cause(outermost)))
    }

    /// Whether what was given is wrong, rather than the network or the other end.
    pub const fn is_input(&self) -> bool {
        match self {
            Self::Dial(error) => error.is_input(),
            Self::Tls(_) | Self::NotGrpc => true,
            Self::Transport(_) | Self::Refused { .. } => false,
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dial(error @ DialError::Unreached { .. }) => {
                formatter.write_str(&error_chain::root_cause(error))
            }
            Self::Dial(error) => formatter.write_str(&error_chain::with_causes(error)),
            Self::Tls(error) => error.fmt(formatter),
            Self::NotGrpc => SpeaksSomethingElse.fmt(formatter),
            Self::Transport(message) | Self::Refused { message, .. } => formatter.write_str(message),
        }
    }
}

/// Why a call didn't arrive where the connection began with something else than HTTP/2.
#[derive(Debug, thiserror::Error)]
#[error("what answers there speaks something else than gRPC")]
pub(super) struct SpeaksSomethingElse;

/// Whether an answer came over HTTP/2 from something that doesn't speak gRPC: the library made up its status.
fn is_from_elsewhere(status: &Status) -> bool {
    // A proxy says so of a coordinator that isn't there yet.
    status.code() != Code::Unavailable && status.message().starts_with("grpc-status header missing")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_from_the_coordinator_itself_is_no_connect_error() {
        assert!(ConnectError::of(&Status::unavailable("the coordinator is shutting down")).is_none());
    }

    #[test]
    fn what_speaks_something_else_is_no_coordinator() {
        let page = Status::unimplemented("grpc-status header missing, mapped from HTTP status code 404");
        assert!(matches!(ConnectError::of(&page), Some(ConnectError::NotGrpc)));
        let other = Status::from_error(Box::new(SpeaksSomethingElse));
        assert!(matches!(ConnectError::of(&other), Some(ConnectError::NotGrpc)), "{other:?}");
        assert!(ConnectError::NotGrpc.is_input());
    }
}
