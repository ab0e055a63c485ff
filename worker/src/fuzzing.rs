//! Readers of what comes from outside as functions of bytes: `tests/fuzz` calls them.

use std::io;

use basin_proto::executor::{FromExecutor, ToExecutor};

pub use crate::agent::fuzzing::sync_reply;
pub use crate::command::fuzzing::{kept, restored, said};
use crate::frames;

/// Reads the messages that an executor gets on its pipe.
///
/// # Errors
/// If a message is cut off, too long or none.
pub fn to_executor(mut bytes: &[u8]) -> io::Result<Vec<ToExecutor>> {
    std::iter::from_fn(|| frames::read(&mut bytes).transpose()).collect()
}

/// Reads the messages that an agent gets from its executor.
///
/// # Errors
/// As [`to_executor`].
pub fn from_executor(mut bytes: &[u8]) -> io::Result<Vec<FromExecutor>> {
    std::iter::from_fn(|| frames::read(&mut bytes).transpose()).collect()
}
