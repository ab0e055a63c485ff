//! Cyclic redundancy checks of 32 bits, as the logs of TensorBoard and of Weights & Biases have them: bits are taken the lowest first,
//! and the register is inverted before and after (Koopman 2002, "32-bit cyclic redundancy codes for Internet applications").

/// A check by one polynomial.
pub(super) struct Crc32([u32; 256]);

/// That of Castagnoli (CRC-32C).
pub(super) static CASTAGNOLI: Crc32 = Crc32::of(0x82f6_3b78);
/// That of IEEE 802.3, which zlib has.
pub(super) static IEEE: Crc32 = Crc32::of(0xedb8_8320);

impl Crc32 {
    /// The check by this polynomial, its bits reversed.
    const fn of(polynomial: u32) -> Self {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let mut register = byte as u32;
            let mut bit = 0;
            while bit < 8 {
                let carry = register & 1;
                register >>= 1;
                if carry == 1 {
                    register ^= polynomial;
                }
                bit += 1;
            }
            table[byte] = register;
            byte += 1;
        }
        Self(table)
    }

    /// The check of these parts, one behind the other.
    pub(super) fn sum(&self, parts: &[&[u8]]) -> u32 {
        let bytes = parts.iter().copied().flatten();
        !bytes.fold(!0, |register: u32, byte| {
            (register >> 8) ^ self.0[((register ^ u32::from(*byte)) & 0xff) as usize]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the catalogue of parametrised CRC algorithms, and those of RFC 3720, B.4.
    #[test]
    fn known_values_come_out() {
        assert_eq!(CASTAGNOLI.sum(&[b"123456789"]), 0xe306_9283);
        assert_eq!(IEEE.sum(&[b"123456789"]), 0xcbf4_3926);
        assert_eq!(CASTAGNOLI.sum(&[&[0; 32]]), 0x8a91_36aa);
        assert_eq!(CASTAGNOLI.sum(&[&[0xff; 32]]), 0x62a8_ab43);
        let ascending: Vec<u8> = (0..32).collect();
        assert_eq!(CASTAGNOLI.sum(&[&ascending]), 0x46dd_794e);
        assert_eq!(CASTAGNOLI.sum(&[]), 0);
    }

    #[test]
    fn parts_are_checked_as_what_they_make_together() {
        assert_eq!(IEEE.sum(&[b"1", b"", b"2345", b"6789"]), IEEE.sum(&[b"123456789"]));
    }
}
