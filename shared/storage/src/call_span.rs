//! Calls to a store as spans, for who traces what they are made for. A call is all of its tries.

use basin_domain::error_chain;
use basin_traces::{Part, Span};

use crate::{Result, StorageError};

/// The span of a call; none where nobody traces what it is made for.
pub(crate) struct CallSpan(Span);

impl CallSpan {
    /// A call that writes, reads or commits what is at this key.
    pub(crate) fn begin(name: &'static str, key: &str) -> Self {
        let span = Span::child(Part::Store, name);
        span.note_text("basin.key", key);
        Self(span)
    }

    /// It moves so many bytes.
    pub(crate) fn note_bytes(&self, bytes: u64) {
        self.0.note_count("basin.bytes", bytes);
    }

    /// Makes the call, and notes how it failed. That something isn't there, or is, is an answer.
    pub(crate) async fn follow<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let done = self.0.follow(call).await;
        match &done {
            Ok(_) => {}
            Err(StorageError::NotFound { .. }) => self.0.note_text("basin.answer", "not found"),
            Err(StorageError::AlreadyExists { .. }) => self.0.note_text("basin.answer", "already exists"),
            Err(error) => {
                if !self.0.is_none() {
                    self.0.fail(error_chain::with_causes(error));
                }
            }
        }
        done
    }
}
