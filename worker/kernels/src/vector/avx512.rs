//! 16 single-precision floats: AVX-512.

use std::arch::x86_64::{
    __m512, _CMP_GT_OQ, _CMP_LE_OQ, _CMP_NEQ_UQ, _CMP_UNORD_Q, _mm_mask_storeu_epi8, _mm_maskz_loadu_epi8,
    _mm_setr_epi32, _mm256_loadu_ps, _mm512_add_epi32, _mm512_add_ps, _mm512_castpd_ps, _mm512_castps_pd,
    _mm512_castsi128_si512, _mm512_cmp_ps_mask, _mm512_cmpneq_epi32_mask, _mm512_cvtepi32_epi8,
    _mm512_cvtepu8_epi32, _mm512_cvtps_pd, _mm512_fmadd_pd, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_mask_blend_ps, _mm512_mask_mov_epi32, _mm512_mask_storeu_ps, _mm512_maskz_compress_epi32,
    _mm512_maskz_compress_ps, _mm512_maskz_loadu_epi32, _mm512_maskz_loadu_ps, _mm512_maskz_mov_ps,
    _mm512_permutex2var_ps, _mm512_permutexvar_epi32, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setr_epi32,
    _mm512_setzero_pd, _mm512_setzero_ps, _mm512_shuffle_f32x4, _mm512_storeu_epi32, _mm512_storeu_pd,
    _mm512_storeu_ps, _mm512_unpackhi_pd, _mm512_unpackhi_ps, _mm512_unpacklo_pd, _mm512_unpacklo_ps,
};

use super::kernel::Kernel;
use super::register::Vector;
use super::scalar::{NO_ARGMAX, SQUARE_SUMS};

/// 512 bits of floats.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512);

/// # Safety
/// The CPU has the features named.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,popcnt")]
pub(super) unsafe fn run<K: Kernel<f32>>(kernel: K) {
    // SAFETY: this function has the features of the register.
    unsafe { kernel.run::<Avx512>() }
}

impl Vector for Avx512 {
    type Element = f32;
    const WIDTH: usize = 16;
    const REGISTERS: usize = 32;
    const TILE_ROWS: usize = 4;
    const TILE_VECTORS: usize = 6;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the trait's contract.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, sum.0) })
    }

    #[inline(always)]
    unsafe fn where_above_zero(self, result: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let dead = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(result.0, _mm512_setzero_ps());
            Self(_mm512_maskz_mov_ps(!dead, self.0))
        }
    }

    /// A square of a single-precision number is exact in double precision, so that a fused sum is rounded as one that isn't.
    #[inline(always)]
    unsafe fn squares(from: *const f32, groups: usize) -> [f64; SQUARE_SUMS] {
        let mut sums = [0.0; SQUARE_SUMS];
        // SAFETY: the trait's contract.
        unsafe {
            let mut registers = [_mm512_setzero_pd(); SQUARE_SUMS / 8];
            for group in 0..groups {
                for (place, sum) in registers.iter_mut().enumerate() {
                    let value = _mm512_cvtps_pd(_mm256_loadu_ps(from.add(group * SQUARE_SUMS + 8 * place)));
                    *sum = _mm512_fmadd_pd(value, value, *sum);
                }
            }
            for (place, sum) in registers.into_iter().enumerate() {
                _mm512_storeu_pd(sums.as_mut_ptr().add(8 * place), sum);
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn pool(count: usize, top: *const f32, bottom: *const f32, pooled: *mut f32, argmax: *mut u8) {
        // SAFETY: the trait's contract; the masks let through the 2 × `count` sums and `count` results alone.
        unsafe {
            let (low, high) = (mask(2 * count), mask((2 * count).saturating_sub(Self::WIDTH)));
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            let (left, right) =
                (_mm512_maskz_loadu_ps(low, top), _mm512_maskz_loadu_ps(high, top.wrapping_add(Self::WIDTH)));
            let (first, second) =
                (_mm512_permutex2var_ps(left, even, right), _mm512_permutex2var_ps(left, odd, right));
            let (left, right) = (
                _mm512_maskz_loadu_ps(low, bottom),
                _mm512_maskz_loadu_ps(high, bottom.wrapping_add(Self::WIDTH)),
            );
            let (third, fourth) =
                (_mm512_permutex2var_ps(left, even, right), _mm512_permutex2var_ps(left, odd, right));
            let (mut best, mut max_index) = (first, _mm512_set1_epi32(0));
            for (place, value) in [(1, second), (2, third), (3, fourth)] {
                let wins = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(value, best)
                    | _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(value, value);
                best = _mm512_mask_blend_ps(wins, best, value);
                max_index = _mm512_mask_mov_epi32(max_index, wins, _mm512_set1_epi32(place));
            }
            let dead = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(best, _mm512_setzero_ps());
            max_index = _mm512_mask_mov_epi32(max_index, dead, _mm512_set1_epi32(i32::from(NO_ARGMAX)));
            let results = mask(count);
            _mm512_mask_storeu_ps(pooled, results, _mm512_maskz_mov_ps(!dead, best));
            _mm_mask_storeu_epi8(argmax.cast(), results, _mm512_cvtepi32_epi8(max_index));
        }
    }

    #[inline(always)]
    unsafe fn transpose(
        rows: usize,
        columns: usize,
        from: *const f32,
        row: usize,
        to: *mut f32,
        column: usize,
    ) {
        // SAFETY: the trait's contract; the masks let through `rows` and `columns` elements alone, and a whole register is stored
        // only within what this call writes.
        unsafe {
            // Loops of constant length: the lines stay in registers.
            let mut lines = [_mm512_setzero_ps(); 16];
            for (index, line) in lines.iter_mut().enumerate() {
                let present = if index < rows { mask(columns) } else { 0 };
                *line = _mm512_maskz_loadu_ps(present, from.add(index.min(rows - 1) * row));
            }
            let lines = transposed(lines);
            // If results follow on each other without gaps, what a register writes too much is written over by the next.
            let dense = column == rows;
            for (index, line) in lines.into_iter().enumerate() {
                if index < columns {
                    let to = to.add(index * column);
                    if rows == Self::WIDTH || (dense && (columns - index - 1) * column + rows >= Self::WIDTH)
                    {
                        _mm512_storeu_ps(to, line);
                    } else {
                        _mm512_mask_storeu_ps(to, mask(rows), line);
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn compact(
        count: usize,
        gradient: *const f32,
        argmax: *const u8,
        corners: *const u32,
        offsets: &[u32; 4],
        indices: *mut u32,
        values: *mut f32,
    ) -> usize {
        // SAFETY: the trait's contract; the mask lets through the `count` windows alone.
        unsafe {
            let windows = mask(count);
            let [first, second, third, fourth] = offsets.map(u32::cast_signed);
            let offsets = _mm512_castsi128_si512(_mm_setr_epi32(first, second, third, fourth));
            let value = _mm512_maskz_loadu_ps(windows, gradient);
            let max_index = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(windows, argmax.cast()));
            let position = _mm512_add_epi32(
                _mm512_maskz_loadu_epi32(windows, corners.cast()),
                _mm512_permutexvar_epi32(max_index, offsets),
            );
            // Lanes that the mask left zero are no entries, as a gradient of zero is none.
            let counts = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(value, _mm512_setzero_ps())
                & _mm512_cmpneq_epi32_mask(max_index, _mm512_set1_epi32(i32::from(NO_ARGMAX)));
            // Compressed in registers: compressing into memory is slow on some processors.
            _mm512_storeu_epi32(indices.cast(), _mm512_maskz_compress_epi32(counts, position));
            _mm512_storeu_ps(values, _mm512_maskz_compress_ps(counts, value));
            counts.count_ones() as usize
        }
    }
}

/// Transposes 16 × 16 floats: pairs of rows, then fours within 128 bits, then the 128-bit parts.
///
/// # Safety
/// The CPU has AVX-512.
#[inline(always)]
unsafe fn transposed(rows: [__m512; 16]) -> [__m512; 16] {
    let mut pairs = rows;
    let mut fours = rows;
    let mut columns = rows;
    // SAFETY: the caller's contract.
    unsafe {
        for i in 0..8 {
            pairs[2 * i] = _mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
            pairs[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
        }
        // fours[4 g + c]: in its 128-bit part p, column 4 p + c of rows 4 g to 4 g + 3.
        for group in 0..4 {
            for half in 0..2 {
                let low = _mm512_castps_pd(pairs[4 * group + half]);
                let high = _mm512_castps_pd(pairs[4 * group + 2 + half]);
                fours[4 * group + 2 * half] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
                fours[4 * group + 2 * half + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
            }
        }
        for c in 0..4 {
            let low_even = _mm512_shuffle_f32x4::<0b1000_1000>(fours[c], fours[4 + c]);
            let low_odd = _mm512_shuffle_f32x4::<0b1101_1101>(fours[c], fours[4 + c]);
            let high_even = _mm512_shuffle_f32x4::<0b1000_1000>(fours[8 + c], fours[12 + c]);
            let high_odd = _mm512_shuffle_f32x4::<0b1101_1101>(fours[8 + c], fours[12 + c]);
            columns[c] = _mm512_shuffle_f32x4::<0b1000_1000>(low_even, high_even);
            columns[4 + c] = _mm512_shuffle_f32x4::<0b1000_1000>(low_odd, high_odd);
            columns[8 + c] = _mm512_shuffle_f32x4::<0b1101_1101>(low_even, high_even);
            columns[12 + c] = _mm512_shuffle_f32x4::<0b1101_1101>(low_odd, high_odd);
        }
    }
    columns
}

/// The first `lanes` lanes.
#[inline(always)]
fn mask(lanes: usize) -> u16 {
    if lanes >= 16 { u16::MAX } else { (1 << lanes) - 1 }
}
