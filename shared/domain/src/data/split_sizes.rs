//! How many examples a data set has.

use serde::Deserialize;

/// How many examples a data set has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct SplitSizes {
    /// Training examples.
    pub train: u64,
    /// Test examples.
    pub test: u64,
}

impl SplitSizes {
    /// The bytes at the start of a decoded file that are enough for [`SplitSizes::of_decoded`].
    pub const START: u64 = 16 + LONGEST_HEADER as u64;

    /// The sizes that a decoded file gives in its first bytes: eight bytes of magic, version and the header's size as
    /// `u32` (little-endian), and the header, JSON. None if it is no such file.
    pub fn of_decoded(start: &[u8]) -> Option<Self> {
        serde_json::from_slice(header(start)?).ok()
    }
}

/// The header's JSON in the first bytes of a decoded file, of either version of the format.
pub(super) fn header(start: &[u8]) -> Option<&[u8]> {
    let (prefix, rest) = start.split_at_checked(16)?;
    let word = |at: usize| Some(u32::from_le_bytes(prefix.get(at..at + 4)?.try_into().ok()?));
    let size = word(12)? as usize;
    if &prefix[..8] != b"basin\0ds" || !matches!(word(8)?, 1 | 2) || size > LONGEST_HEADER {
        return None;
    }
    rest.get(..size)
}

/// No header of a decoded file is longer.
const LONGEST_HEADER: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str) -> Vec<u8> {
        let size = u32::try_from(header.len()).unwrap().to_le_bytes();
        [&b"basin\0ds"[..], &1_u32.to_le_bytes(), &size, header.as_bytes(), &[7; 100]].concat()
    }

    #[test]
    fn a_decoded_file_says_how_many_examples_it_has() {
        let start = file(r#"{"name":"cifar10","train":50,"test":10,"mean":[0.5]}"#);
        assert_eq!(SplitSizes::of_decoded(&start), Some(SplitSizes { train: 50, test: 10 }));
    }

    #[test]
    fn nothing_is_read_out_of_another_file() {
        let right = file(r#"{"train":50,"test":10}"#);
        for length in 0..38 {
            assert_eq!(SplitSizes::of_decoded(&right[..length]), None, "{length}");
        }
        let mut other_version = right.clone();
        other_version[8] = 3;
        for wrong in [other_version, file(r#"{"train":-1,"test":10}"#), file("no json"), vec![0; 200]] {
            assert_eq!(SplitSizes::of_decoded(&wrong), None);
        }
    }
}
