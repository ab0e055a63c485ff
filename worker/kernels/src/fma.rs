//! Multiplication and addition with one rounding, also where the processor has no instruction for it.

/// a × b + c, rounded once: the same bits on every processor.
#[inline(always)]
pub(crate) fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
        // An instruction there. Elsewhere it would be a call of the system's library, of which not all round rightly.
        #[expect(clippy::disallowed_methods, reason = "it is one instruction on these targets")]
        a.mul_add(b, c)
    } else {
        in_software(a, b, c)
    }
}

/// The product is exact in `f64`. Its sum with c is rounded to odd there (Boldo and Melquiond 2008, "Emulation of a FMA and correctly
/// rounded sums: proved algorithms using rounding to odd"): to the neighbour whose last bit is one, unless it is exact. So nothing
/// looks like a tie that isn't one, and the second rounding gives what a single one would.
#[inline(always)]
fn in_software(a: f32, b: f32, c: f32) -> f32 {
    let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
    let sum = product + c;
    // The rounding error of the sum, exactly (Knuth's two-sum); NaN where the sum isn't finite.
    let of_c = sum - product;
    let lost = (product - (sum - of_c)) + (c - of_c);
    let bits = sum.to_bits();
    let is_inexact = u64::from(lost < 0.0) | u64::from(lost > 0.0);
    // Farther from zero if the loss has the sum's sign, nearer if not: no branch, so that several fit in a register.
    let differs = (bits ^ lost.to_bits()) >> 63;
    let step = 1_u64.wrapping_sub(2 * differs);
    let needed = (is_inexact & !bits & 1).wrapping_neg();
    f64::from_bits(bits.wrapping_add(step & needed)) as f32
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the instruction is the reference")]
mod tests {
    use super::*;

    /// (a·b + c) by whole numbers: exact, then rounded once by the standard library's conversion of `i128`.
    fn exact(a: i64, b: i64, c: i64, exponent: i32) -> f32 {
        (i128::from(a) * i128::from(b) + (i128::from(c) << exponent)) as f32
    }

    #[test]
    fn whole_numbers_are_rounded_once() {
        let mut state = 1_u64;
        let mut draw = |bits: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as i64 - (1 << 23)) >> (24 - bits)
        };
        for round in 0..if cfg!(miri) { 2_000 } else { 2_000_000 } {
            let exponent = round % 60;
            let (a, b, c) = (draw(24), draw(24), draw(1 + round as u32 % 24));
            let scaled = (c as f32) * 2f32.powi(exponent);
            let found = in_software(a as f32, b as f32, scaled);
            assert_eq!(found.to_bits(), exact(a, b, c, exponent).to_bits(), "{a} × {b} + {c} · 2^{exponent}");
        }
    }

    #[test]
    fn it_is_what_the_instruction_gives_also_of_ties_zeros_subnormal_and_infinite_numbers() {
        let least = f32::from_bits(1);
        let odd = [
            [0.0, 1.0, 1.0 + f32::EPSILON, 1.5, 3.0, 0.1, 1.0 - 6e-8, 2f32.powi(-75)],
            [
                least,
                5.0 * least,
                2f32.powi(-140),
                2f32.powi(-126),
                2f32.powi(-63),
                f32::MAX,
                f32::INFINITY,
                f32::NAN,
            ],
        ];
        let all: Vec<f32> = odd.as_flattened().iter().flat_map(|value| [*value, -value]).collect();
        for a in &all {
            for b in &all {
                for c in &all {
                    let (found, expected) = (in_software(*a, *b, *c), a.mul_add(*b, *c));
                    assert!(
                        found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan(),
                        "{a} × {b} + {c}: {found}, not {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_loss_far_below_a_tie_of_subnormal_numbers_decides_it() {
        // 2^−150 is half of the least number: a tie that goes to even, unless a little more is there.
        let (a, b) = (2f32.powi(-75), 2f32.powi(-75) * (1.0 + f32::EPSILON));
        assert_eq!(in_software(a, b, 2f32.powi(-140)), 2f32.powi(-140) + f32::from_bits(1));
        assert_eq!(in_software(a, a, 2f32.powi(-140)), 2f32.powi(-140));
    }
}
