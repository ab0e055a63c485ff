//! Why a call isn't let through, and the status that says so.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use basin_proto::hint;
use tonic::Status;
use tonic::metadata::MetadataValue;

use super::{Role, Unauthenticated};

/// Why a call isn't let through.
#[derive(Debug, thiserror::Error)]
pub enum AccessDenied {
    /// The port speaks TLS alone.
    #[error("this coordinator speaks TLS, and was called without")]
    WithoutTls,
    /// It isn't known who calls.
    #[error(transparent)]
    Unauthenticated(#[from] Unauthenticated),
    /// The token's role isn't enough.
    #[error("the token `{token}` is {}'s, and {call} takes {}'s", role.somebody(), least.somebody())]
    RoleTooLow {
        /// The token's name.
        token: String,
        /// Its role.
        role: Role,
        /// The call's name.
        call: String,
        /// The least role that may make it.
        least: Role,
    },
    /// The caller makes too many calls a second.
    #[error("too many calls from one caller")]
    TooManyCalls {
        /// How long to wait.
        wait: Duration,
    },
    /// The caller has too much under way.
    #[error("too many calls, or too large ones, are under way")]
    TooMuchUnderWay {
        /// How long to wait.
        wait: Duration,
    },
    /// The caller's token has all the connections that it may have.
    #[error("too many connections of one token")]
    TooManyConnections {
        /// How long to wait.
        wait: Duration,
    },
}

impl From<AccessDenied> for Status {
    fn from(denied: AccessDenied) -> Self {
        let message = denied.to_string();
        let mut status = match &denied {
            AccessDenied::WithoutTls => Self::failed_precondition(message),
            AccessDenied::Unauthenticated(_) => Self::unauthenticated(message),
            AccessDenied::RoleTooLow { .. } => Self::permission_denied(message),
            AccessDenied::TooManyCalls { wait }
            | AccessDenied::TooMuchUnderWay { wait }
            | AccessDenied::TooManyConnections { wait } => retry_after(message, *wait),
        };
        status.set_source(Arc::new(denied));
        status
    }
}

/// A refusal that says, as gRPC has it, how long to wait.
fn retry_after(message: String, wait: Duration) -> Status {
    let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
    let mut status = Status::resource_exhausted(message);
    status.metadata_mut().insert(basin_proto::RETRY_AFTER_KEY, MetadataValue::from(milliseconds));
    status
}

/// The caller's remedy for a refusal, by its cause: whoever runs the coordinator knows the commands.
pub type HintOf = fn(&(dyn Error + 'static)) -> Option<String>;

/// A refusal with what to do about it, if its cause says so and it has no hint yet.
pub(super) fn with_hint(status: Status, hint_of: HintOf) -> Status {
    let hint = match hint::of(&status) {
        Some(_) => None,
        None => status.source().and_then(hint_of),
    };
    match hint {
        Some(hint) => hint::attach(status, &hint),
        None => status,
    }
}
