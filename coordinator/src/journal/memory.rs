//! A journal in memory: as strict as the one on disk, for tests and simulations.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use basin_core::Event;
use basin_domain::digest::Digest;

use super::encoding::{EncodedSnapshot, encode_events};
use super::recovery::{StoredBatch, StoredSnapshot, Tail, recover};
use super::{Journal, JournalError, Recovered};

/// The contents, which survive the coordinator that wrote them.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    is_open: bool,
    /// Oldest first.
    snapshots: Vec<StoredSnapshot>,
    batches: Vec<StoredBatch>,
}

/// A journal on a [`MemoryDisk`].
#[derive(Debug)]
pub struct MemoryJournal {
    disk: MemoryDisk,
    tail: Tail,
}

impl MemoryDisk {
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A disk with these bytes for its snapshot, if it has one, and for the batches after it, each under the digest that belongs to
    /// it: damage that only their reader finds.
    #[doc(hidden)]
    pub fn holding(snapshot: Option<Vec<u8>>, batches: Vec<Vec<u8>>) -> Self {
        let mut tail = Tail::empty();
        let snapshots = snapshot.map(|bytes| StoredSnapshot {
            chain: tail.chain,
            snapshot: EncodedSnapshot { sequence: tail.sequence, digest: Digest::of(&bytes), bytes },
        });
        let snapshots = snapshots.into_iter().collect();
        let in_order = |bytes| {
            let batch = tail.next(bytes);
            tail.advance(&batch);
            batch
        };
        let batches = batches.into_iter().map(in_order).collect();
        Self(Arc::new(Mutex::new(Contents { is_open: false, snapshots, batches })))
    }

    /// How many batches are kept.
    pub fn batches(&self) -> usize {
        self.contents().batches.len()
    }

    /// How many snapshots are kept.
    pub fn snapshots(&self) -> usize {
        self.contents().snapshots.len()
    }

    #[cfg(test)]
    pub(super) fn damage(&self, damage: impl FnOnce(&mut Vec<StoredSnapshot>, &mut Vec<StoredBatch>)) {
        let contents = &mut *self.contents();
        damage(&mut contents.snapshots, &mut contents.batches);
    }
}

impl MemoryJournal {
    /// Opens the journal on a disk, for as long as it lives.
    ///
    /// # Errors
    /// If it is open already.
    pub fn open(disk: &MemoryDisk) -> Result<Self, JournalError> {
        if std::mem::replace(&mut disk.contents().is_open, true) {
            return Err(JournalError::Locked);
        }
        Ok(Self { disk: disk.clone(), tail: Tail::empty() })
    }
}

impl Drop for MemoryJournal {
    fn drop(&mut self) {
        self.disk.contents().is_open = false;
    }
}

impl Journal for MemoryJournal {
    fn load(&mut self) -> Result<Recovered, JournalError> {
        let contents = self.disk.contents();
        let snapshots = contents.snapshots.iter().rev().cloned().collect();
        let (recovered, tail) = recover(snapshots, |sequence| {
            Ok(contents.batches.iter().filter(|batch| batch.sequence > sequence).cloned().collect())
        })?;
        drop(contents);
        self.tail = tail;
        Ok(recovered)
    }

    fn append(&mut self, events: &[Event]) -> Result<(), JournalError> {
        let batch = self.tail.next(encode_events(events));
        self.tail.advance(&batch);
        self.disk.contents().batches.push(batch);
        Ok(())
    }

    /// Nobody else can have written: the journal is open once.
    fn confirm(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    fn sequence(&self) -> u64 {
        self.tail.sequence
    }

    fn keep_snapshot(&mut self, snapshot: &EncodedSnapshot) -> Result<(), JournalError> {
        let mut contents = self.disk.contents();
        let batch = contents.batches.iter().find(|batch| batch.sequence == snapshot.sequence);
        let Some(chain) = batch.map(|batch| batch.chain) else { return Ok(()) };
        let previous = contents.snapshots.last().map_or(0, |last| last.snapshot.sequence);
        if previous == snapshot.sequence {
            return Ok(());
        }
        contents.snapshots.retain(|kept| kept.snapshot.sequence >= previous);
        contents.snapshots.push(StoredSnapshot { chain, snapshot: snapshot.clone() });
        contents.batches.retain(|batch| batch.sequence > previous);
        Ok(())
    }
}
