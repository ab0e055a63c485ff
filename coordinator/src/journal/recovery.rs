//! The recovery after a restart: every batch is there, in order, as it was written.

use basin_domain::digest::Digest;

use super::encoding::{EncodedSnapshot, decode_events, first_link, link};
use super::{Damage, JournalError, Recovered};

/// A batch as a medium keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredBatch {
    pub(super) sequence: u64,
    /// The digest of everything up to here.
    pub(super) chain: Digest,
    pub(super) bytes: Vec<u8>,
}

/// A snapshot as a medium keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredSnapshot {
    /// The digest of all batches that it contains.
    pub(super) chain: Digest,
    pub(super) snapshot: EncodedSnapshot,
}

/// The end of what was kept: where appending goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) sequence: u64,
    pub(super) chain: Digest,
}

impl Tail {
    /// That of an empty journal.
    pub(super) fn empty() -> Self {
        Self { sequence: 0, chain: first_link() }
    }

    /// The batch of these bytes that comes next.
    pub(super) fn next(&self, bytes: Vec<u8>) -> StoredBatch {
        let sequence = self.sequence + 1;
        StoredBatch { sequence, chain: link(&self.chain, sequence, &bytes), bytes }
    }

    /// Moves behind a batch.
    pub(super) fn advance(&mut self, batch: &StoredBatch) {
        *self = Self { sequence: batch.sequence, chain: batch.chain };
    }
}

/// Reads back what was kept. `snapshots` come newest first; `batches_after` gives the batches after a number, in order.
///
/// A damaged snapshot is passed over for the one before it, whose later batches are still kept.
pub(super) fn recover(
    snapshots: Vec<StoredSnapshot>,
    batches_after: impl FnOnce(u64) -> Result<Vec<StoredBatch>, JournalError>,
) -> Result<(Recovered, Tail), JournalError> {
    let mut tail = Tail::empty();
    let mut recovered = Recovered::default();
    let mut damaged = None;
    for StoredSnapshot { chain, snapshot } in snapshots {
        let sequence = snapshot.sequence;
        match snapshot.decode() {
            Ok(decoded) => {
                tail = Tail { sequence, chain };
                recovered.snapshot = Some(decoded);
                break;
            }
            Err(damage) => {
                tracing::warn!(sequence, %damage, "a snapshot of the journal was damaged");
                damaged.get_or_insert(JournalError::Damaged { sequence, damage });
            }
        }
    }
    for batch in batches_after(tail.sequence)? {
        let damage = |damage| JournalError::Damaged { sequence: tail.sequence + 1, damage };
        if batch.sequence != tail.sequence + 1 {
            // Without its snapshots a journal begins with a gap; the snapshot is what is damaged.
            return Err(damaged.unwrap_or_else(|| damage(Damage::Missing)));
        }
        if link(&tail.chain, batch.sequence, &batch.bytes) != batch.chain {
            return Err(damage(Damage::Changed));
        }
        recovered.events.extend(decode_events(&batch.bytes).map_err(damage)?);
        tail.advance(&batch);
    }
    match damaged {
        // No snapshot is whole, and the batches before the damaged one are gone.
        Some(error) if recovered.snapshot.is_none() && recovered.events.is_empty() => Err(error),
        Some(_) | None => Ok((recovered, tail)),
    }
}
