//! The log that a run's records lie in: blocks of 32 KiB, as LevelDB has them, behind a header of the program's own.
//!
//! A record is in one piece, or in pieces of which each ends with its block. A piece has a check of its type and its bytes, its length, and its
//! type; where less than that has room in a block, the block ends with zeros.

use super::super::crc32::IEEE;

/// `:W&B`, the mark 0xbee1, version 0.
const HEADER: [u8; 7] = *b":W&B\xe1\xbe\0";
const BLOCK: usize = 32_768;
/// Check, length, type.
const HEAD: usize = 7;

/// A log in the making.
pub(super) struct Log(Vec<u8>);

impl Default for Log {
    fn default() -> Self {
        Self(HEADER.to_vec())
    }
}

impl Log {
    /// Appends a record.
    pub(super) fn append(&mut self, mut record: &[u8]) {
        let mut is_first = true;
        loop {
            let mut room = BLOCK - self.0.len() % BLOCK;
            if room < HEAD {
                self.0.resize(self.0.len() + room, 0);
                room = BLOCK;
            }
            let (piece, rest) = record.split_at(record.len().min(room - HEAD));
            self.append_piece(piece, is_first, rest.is_empty());
            if rest.is_empty() {
                return;
            }
            (record, is_first) = (rest, false);
        }
    }

    fn append_piece(&mut self, piece: &[u8], is_first: bool, is_last: bool) {
        let kind: u8 = match (is_first, is_last) {
            (true, true) => 1,
            (true, false) => 2,
            (false, false) => 3,
            (false, true) => 4,
        };
        let length = u16::try_from(piece.len()).expect("a piece has room in its block");
        self.0.extend(IEEE.sum(&[&[kind], piece]).to_le_bytes());
        self.0.extend(length.to_le_bytes());
        self.0.push(kind);
        self.0.extend(piece);
    }

    /// All of it.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The records of a log that is whole.
#[cfg(test)]
pub(super) fn read_all(log: &[u8]) -> Vec<Vec<u8>> {
    assert_eq!(log[..HEAD], HEADER);
    let (mut at, mut records, mut open) = (HEAD, Vec::new(), None::<Vec<u8>>);
    while at < log.len() {
        let room = BLOCK - at % BLOCK;
        if room < HEAD {
            assert!(log[at..at + room].iter().all(|byte| *byte == 0));
            at += room;
            continue;
        }
        let (head, rest) = log[at..].split_at(HEAD);
        let length = usize::from(u16::from_le_bytes([head[4], head[5]]));
        let (kind, piece) = (head[6], &rest[..length]);
        assert_eq!(head[..4], IEEE.sum(&[&[kind], piece]).to_le_bytes());
        assert_eq!(open.is_none(), kind < 3, "only a first piece begins a record");
        open.get_or_insert_default().extend(piece);
        if kind == 1 || kind == 4 {
            records.extend(open.take());
        }
        at += HEAD + length;
    }
    assert!(open.is_none());
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_every_length_come_out_again_across_the_ends_of_blocks() {
        // The first leaves less room than a head takes, the third ends with its block, the fourth goes over three.
        let lengths = [BLOCK - 2 * HEAD - 3, 1, BLOCK - 2 * HEAD - 1, 2 * BLOCK + 11, 5, 300];
        let records: Vec<Vec<u8>> =
            lengths.iter().zip(1..).map(|(length, byte)| vec![byte; *length]).collect();
        let mut log = Log::default();
        for record in &records {
            log.append(record);
        }
        let bytes = log.into_bytes();
        assert_eq!(bytes[BLOCK - 3..BLOCK], [0, 0, 0]);
        assert_eq!(bytes[2 * BLOCK + 6], 2, "the fourth begins with the third block");
        assert_eq!(read_all(&bytes), records);
    }

    /// The bytes that the program's own writer makes of the record `a`.
    #[test]
    fn a_record_has_the_bytes_of_the_programs_own_writer() {
        let mut log = Log::default();
        log.append(b"a");
        let hex: String = log.into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "3a572642e1be007072776201000161");
    }
}
