//! The reader of the coordinator's answers.

use basin_domain::id::TaskId;
use basin_proto::v1;

use super::reactor::SyncReply;
use super::wire;

/// What an agent understands of an answer to `Sync`: its tasks' names, and what the reactor hears.
pub fn sync_reply(reply: v1::SyncReply) -> (Vec<(TaskId, String)>, SyncReply) {
    (wire::names(&reply).collect(), wire::reply(reply))
}
