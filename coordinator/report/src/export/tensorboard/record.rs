//! The frames of a file of records: the length, the length's check, the bytes, their check; numbers with the lowest byte first.

use super::super::crc32::CASTAGNOLI;

/// Appends a record.
pub(super) fn append(log: &mut Vec<u8>, record: &[u8]) {
    let length = (record.len() as u64).to_le_bytes();
    log.extend(length);
    log.extend(masked(&length).to_le_bytes());
    log.extend(record);
    log.extend(masked(record).to_le_bytes());
}

/// The check of these bytes, turned and shifted so that the check of bytes which hold checks is as good as any.
fn masked(bytes: &[u8]) -> u32 {
    CASTAGNOLI.sum(&[bytes]).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The records of a file that is whole.
#[cfg(test)]
pub(super) fn read_all(mut log: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while let Some((head, rest)) = log.split_at_checked(12) {
        let length = u64::from_le_bytes(head[..8].try_into().unwrap()) as usize;
        assert_eq!(head[8..], masked(&head[..8]).to_le_bytes());
        let (record, rest) = rest.split_at(length);
        let (check, rest) = rest.split_at(4);
        assert_eq!(check, masked(record).to_le_bytes());
        records.push(record.to_vec());
        log = rest;
    }
    assert!(log.is_empty());
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that TensorBoard's own writer makes of the record `a`.
    #[test]
    fn a_record_has_the_bytes_of_tensorboards_writer() {
        let mut log = Vec::new();
        append(&mut log, b"a");
        let hex: String = log.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "01000000000000000175de4161786ee428");
        append(&mut log, b"");
        assert_eq!(read_all(&log), [b"a".to_vec(), Vec::new()]);
    }
}
