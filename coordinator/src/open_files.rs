//! How many files this process may have open, connections among them.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The most connections for which there is room in any case.
const CONNECTIONS: u64 = 8192;
/// The files that are kept for the journal, the store, the side port and what else there is.
const RESERVED: u64 = 512;

/// Has the system allow as many as it lets this process have, and says how many connections that leaves room for.
pub(crate) fn room_for_connections() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let set = if current == maximum { Ok(()) } else { setrlimit(Resource::Nofile, raised) };
    let limit = match set {
        Ok(()) => maximum,
        Err(error) => {
            tracing::warn!(%error, ?current, "the limit of open files could not be raised");
            current
        }
    };
    let room = room(limit);
    if u64::try_from(room).is_ok_and(|room| room < CONNECTIONS) {
        tracing::warn!(connections = room, ?limit, "open files are limited, and so are connections");
    }
    room
}

/// The connections that a limit leaves; none: there is no limit.
fn room(limit: Option<u64>) -> usize {
    let limit = limit.unwrap_or(u64::MAX);
    let room = limit.saturating_sub(RESERVED.min(limit / 2)).clamp(1, CONNECTIONS);
    usize::try_from(room).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_the_journal_and_the_store() {
        assert_eq!(room(None), 8192);
        assert_eq!(room(Some(1 << 20)), 8192);
        assert_eq!(room(Some(4096)), 3584);
        assert_eq!(room(Some(256)), 128);
        assert!(room_for_connections() >= 1);
    }
}
