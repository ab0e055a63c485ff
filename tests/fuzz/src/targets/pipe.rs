//! The messages between an agent and its executor.

use basin_worker::fuzzing::{from_executor, to_executor};

pub(super) fn read(input: &[u8]) -> bool {
    let (to, from) = (to_executor(input), from_executor(input));
    to.is_ok() || from.is_ok()
}
