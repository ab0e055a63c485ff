//! The logs of running tasks, from and to the wire: bytes in the message that brings them, so that nobody who answers it need read them.

use prost::Message as _;
pub use prost::bytes::Bytes;

use crate::v1;

/// A log as [`SyncRequest::logs`](v1::SyncRequest::logs) brings it.
pub fn written(log: &v1::TaskLog) -> Bytes {
    log.encode_to_vec().into()
}

/// The log that was written; none if it can't be understood.
pub fn read(written: Bytes) -> Option<v1::TaskLog> {
    v1::TaskLog::decode(written).ok()
}
