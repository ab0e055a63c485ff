//! A coordinator's journal: batches of events, each as JSON or packed, and a snapshot before them.

use basin_coordinator::journal::{EncodedSnapshot, MemoryDisk, MemoryJournal, Writer};
use basin_core::command::{Policy, Restarted, Tick};
use basin_domain::time::Timestamp;

use crate::parts;

/// The batches of an input.
pub(super) fn read_batches(input: &[u8]) -> bool {
    is_opened(&MemoryDisk::holding(None, parts(input).map(<[u8]>::to_vec).collect()))
}

/// The snapshot of an input, and the batches after it.
pub(super) fn read_snapshot(input: &[u8]) -> bool {
    let mut parts = parts(input).map(<[u8]>::to_vec);
    let snapshot = parts.next();
    is_opened(&MemoryDisk::holding(snapshot, parts.collect()))
}

/// Whether a coordinator begins to lead on what a disk has; then it goes on from there.
fn is_opened(disk: &MemoryDisk) -> bool {
    let open = || Writer::open(MemoryJournal::open(disk)?, Policy::default());
    let mut writer = match open() {
        Ok(writer) => writer,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    let (sequence, snapshot) = writer.snapshot();
    let kept = EncodedSnapshot::new(sequence, &snapshot).decode();
    assert_eq!(kept.expect("what is written is read"), snapshot);
    for later in [0, 1, 60_000, u64::MAX] {
        let now = Timestamp(writer.latest().0.saturating_add(later));
        let decided = writer.write(now, |decisions| {
            let _ = decisions.decide(Restarted);
            decisions.decide(Tick).is_ok()
        });
        decided.expect("memory takes every batch");
        assert_eq!(writer.ledger().audit(), Ok(()), "what must hold does");
    }
    drop(writer);
    open().expect("what was written is read");
    true
}
