//! Random numbers by counters.

/// Counters that are worked on side by side.
const SIDE_BY_SIDE: usize = 16;
/// Words of one call.
pub(super) const BLOCK: usize = 4 * SIDE_BY_SIDE;

/// The words of Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") for the counters
/// `[first + i, rest…]`, i from 0 to 15: four each.
#[inline(always)]
pub(super) fn philox_blocks(first: u32, rest: [u32; 3], key: [u32; 2]) -> [[u32; 4]; SIDE_BY_SIDE] {
    const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
    /// The golden ratio and √3 − 1.
    const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    let mut words =
        [[0; SIDE_BY_SIDE], [rest[0]; SIDE_BY_SIDE], [rest[1]; SIDE_BY_SIDE], [rest[2]; SIDE_BY_SIDE]];
    for (index, word) in words[0].iter_mut().enumerate() {
        *word = first.wrapping_add(index as u32);
    }
    let [mut low_key, mut high_key] = key;
    for _ in 0..10 {
        let [a, b, c, d] = words;
        for lane in 0..SIDE_BY_SIDE {
            let (first, second) = (MULTIPLIERS[0] * u64::from(a[lane]), MULTIPLIERS[1] * u64::from(c[lane]));
            words[0][lane] = (second >> 32) as u32 ^ b[lane] ^ low_key;
            words[1][lane] = second as u32;
            words[2][lane] = (first >> 32) as u32 ^ d[lane] ^ high_key;
            words[3][lane] = first as u32;
        }
        low_key = low_key.wrapping_add(KEY_STEPS[0]);
        high_key = high_key.wrapping_add(KEY_STEPS[1]);
    }
    let mut blocks = [[0; 4]; SIDE_BY_SIDE];
    for (lane, block) in blocks.iter_mut().enumerate() {
        *block = [words[0][lane], words[1][lane], words[2][lane], words[3][lane]];
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_its_authors_publish() {
        // The known answers of Random123.
        let zeros = philox_blocks(0, [0; 3], [0; 2])[0];
        assert_eq!(zeros, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        let ones = philox_blocks(u32::MAX, [u32::MAX; 3], [u32::MAX; 2])[0];
        assert_eq!(ones, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let rest = [0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let pi = philox_blocks(0x243f_6a88, rest, [0xa409_3822, 0x299f_31d0])[0];
        assert_eq!(pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
        let later = philox_blocks(0x243f_6a88 - 7, rest, [0xa409_3822, 0x299f_31d0])[7];
        assert_eq!(later, pi, "each lane counts on");
    }
}
