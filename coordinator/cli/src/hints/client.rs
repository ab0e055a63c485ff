//! Calls that failed.

use basin_coordinator::client::CallError;

use super::dial::{connect, dial};

/// The hint for a call that failed.
pub(crate) fn call(error: &CallError) -> Option<String> {
    match error {
        CallError::Broken { .. } => None,
        CallError::Standby { .. } => Some(
            "a standby takes over within seconds if its database answers; name all coordinators: \
             `--coordinator URL,URL`"
                .to_owned(),
        ),
        CallError::Dial(error) => dial(error),
        CallError::Unreachable { error, .. } => Some(connect(error).unwrap_or_else(|| {
            "start one with `basin serve`, or name it with `--coordinator URL`".to_owned()
        })),
        CallError::Refused { hint, .. } => hint.clone(),
        CallError::UnknownCall { .. } => Some(format!("replace it by basin {}", env!("CARGO_PKG_VERSION"))),
    }
}
