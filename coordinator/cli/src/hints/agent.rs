//! Workers that can't start or go on.

use basin_worker::agent::AgentError;

use super::dial::{connect, dial};
use super::storage;

/// The hint for an agent that can't start or go on.
pub(crate) fn agent(error: &AgentError) -> Option<String> {
    match error {
        AgentError::Dial(error) => dial(error),
        AgentError::Refused { hint, .. } => hint.clone(),
        AgentError::Unreachable { error, .. } => Some(connect(error).unwrap_or_else(|| {
            "start a coordinator with `basin serve`, or name it with `--coordinator URL`".to_owned()
        })),
        AgentError::Store { source, .. } => storage(source),
        AgentError::Folder { .. } => Some("choose another folder with `--cache DIR` or TMPDIR".to_owned()),
    }
}
