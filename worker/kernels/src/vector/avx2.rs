//! 8 single-precision floats: AVX2 with fused multiply-add.

use std::arch::x86_64::{
    __m128, __m128i, __m256, __m256i, _CMP_GT_OQ, _CMP_LE_OQ, _CMP_NEQ_UQ, _CMP_UNORD_Q, _mm_cvtsi64_si128,
    _mm_cvtsi128_si64, _mm_loadl_epi64, _mm_loadu_ps, _mm_loadu_si128, _mm_movehl_ps, _mm_packs_epi32,
    _mm_packus_epi16, _mm_store_ss, _mm_storel_epi64, _mm_storeu_ps, _mm256_add_epi32, _mm256_add_ps,
    _mm256_andnot_ps, _mm256_blendv_ps, _mm256_broadcastsi128_si256, _mm256_castpd_ps, _mm256_castps_pd,
    _mm256_castps_si256, _mm256_castps256_ps128, _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cmp_ps,
    _mm256_cmpeq_epi32, _mm256_cvtepu8_epi32, _mm256_cvtps_pd, _mm256_extractf128_ps,
    _mm256_extracti128_si256, _mm256_fmadd_pd, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_maskload_epi32, _mm256_maskload_ps, _mm256_movemask_ps, _mm256_or_ps, _mm256_permute2f128_ps,
    _mm256_permute4x64_pd, _mm256_permutevar8x32_epi32, _mm256_permutevar8x32_ps, _mm256_set1_epi32,
    _mm256_set1_ps, _mm256_setzero_pd, _mm256_setzero_ps, _mm256_shuffle_ps, _mm256_storeu_pd,
    _mm256_storeu_ps, _mm256_storeu_si256, _mm256_unpackhi_ps, _mm256_unpacklo_ps,
};

use super::kernel::Kernel;
use super::register::Vector;
use super::scalar::{NO_ARGMAX, SQUARE_SUMS};

/// 256 bits of floats.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256);

/// # Safety
/// The CPU has the features named.
#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) unsafe fn run<K: Kernel<f32>>(kernel: K) {
    // SAFETY: this function has the features of the register.
    unsafe { kernel.run::<Avx2>() }
}

impl Vector for Avx2 {
    type Element = f32;
    const WIDTH: usize = 8;
    const REGISTERS: usize = 16;
    const TILE_ROWS: usize = 6;
    const TILE_VECTORS: usize = 2;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the trait's contract.
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, sum.0) })
    }

    #[inline(always)]
    unsafe fn where_above_zero(self, result: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let dead = _mm256_cmp_ps::<_CMP_LE_OQ>(result.0, _mm256_setzero_ps());
            Self(_mm256_andnot_ps(dead, self.0))
        }
    }

    /// A square of a single-precision number is exact in double precision, so that a fused sum is rounded as one that isn't.
    #[inline(always)]
    unsafe fn squares(from: *const f32, groups: usize) -> [f64; SQUARE_SUMS] {
        let mut sums = [0.0; SQUARE_SUMS];
        // SAFETY: the trait's contract.
        unsafe {
            let mut registers = [_mm256_setzero_pd(); SQUARE_SUMS / 4];
            for group in 0..groups {
                for (place, sum) in registers.iter_mut().enumerate() {
                    let value = _mm256_cvtps_pd(_mm_loadu_ps(from.add(group * SQUARE_SUMS + 4 * place)));
                    *sum = _mm256_fmadd_pd(value, value, *sum);
                }
            }
            for (place, sum) in registers.into_iter().enumerate() {
                _mm256_storeu_pd(sums.as_mut_ptr().add(4 * place), sum);
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn pool(count: usize, top: *const f32, bottom: *const f32, pooled: *mut f32, argmax: *mut u8) {
        // SAFETY: the trait's contract; the masks let through the 2 × `count` sums and `count` results alone.
        unsafe {
            let (first, second) = even_and_odd(2 * count, top);
            let (third, fourth) = even_and_odd(2 * count, bottom);
            let (mut best, mut index) = (first, _mm256_setzero_ps());
            for (place, value) in [(1, second), (2, third), (3, fourth)] {
                let wins = _mm256_or_ps(
                    _mm256_cmp_ps::<_CMP_GT_OQ>(value, best),
                    _mm256_cmp_ps::<_CMP_UNORD_Q>(value, value),
                );
                best = _mm256_blendv_ps(best, value, wins);
                index = _mm256_blendv_ps(index, _mm256_castsi256_ps(_mm256_set1_epi32(place)), wins);
            }
            let dead = _mm256_cmp_ps::<_CMP_LE_OQ>(best, _mm256_setzero_ps());
            let none = _mm256_castsi256_ps(_mm256_set1_epi32(i32::from(NO_ARGMAX)));
            store_first(count, in_order(_mm256_andnot_ps(dead, best)), pooled);
            let index = _mm256_castps_si256(in_order(_mm256_blendv_ps(index, none, dead)));
            let words = _mm_packs_epi32(_mm256_castsi256_si128(index), _mm256_extracti128_si256::<1>(index));
            store_first_bytes(count, _mm_packus_epi16(words, words), argmax);
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
        // SAFETY: the trait's contract; the mask lets through `columns` elements of `rows` rows alone, and a whole register is stored
        // only within what this call writes.
        unsafe {
            // Loops of constant length: the lines stay in registers.
            let mut lines = [_mm256_setzero_ps(); 8];
            for (index, line) in lines.iter_mut().enumerate() {
                if index < rows {
                    *line = load_first(columns, from.add(index * row));
                }
            }
            let lines = transposed(lines);
            // If results follow on each other without gaps, what a register writes too much is written over by the next.
            let dense = column == rows;
            for (index, line) in lines.into_iter().enumerate() {
                if index < columns {
                    let to = to.add(index * column);
                    if rows == Self::WIDTH || (dense && (columns - index - 1) * column + rows >= Self::WIDTH)
                    {
                        _mm256_storeu_ps(to, line);
                    } else {
                        store_first(rows, line, to);
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
        // SAFETY: the trait's contract; the masks let through the `count` windows alone, and there is room for a register in both
        // lists.
        unsafe {
            let value = load_first(count, gradient);
            let index = _mm256_cvtepu8_epi32(load_first_bytes(count, argmax));
            let offsets = _mm256_broadcastsi128_si256(_mm_loadu_si128(offsets.as_ptr().cast()));
            let corner = if count >= Self::WIDTH {
                _mm256_loadu_si256(corners.cast())
            } else {
                _mm256_maskload_epi32(corners.cast(), first_lanes(count))
            };
            let position = _mm256_add_epi32(corner, _mm256_permutevar8x32_epi32(offsets, index));
            // Lanes that the mask left zero are no entries, as a gradient of zero is none.
            let is_none = _mm256_cmpeq_epi32(index, _mm256_set1_epi32(i32::from(NO_ARGMAX)));
            let is_nonzero = _mm256_cmp_ps::<_CMP_NEQ_UQ>(value, _mm256_setzero_ps());
            let counts = _mm256_movemask_ps(_mm256_andnot_ps(_mm256_castsi256_ps(is_none), is_nonzero));
            let order = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(LEFT_PACKED[counts as usize].cast_signed()));
            _mm256_storeu_si256(indices.cast(), _mm256_permutevar8x32_epi32(position, order));
            _mm256_storeu_ps(values, _mm256_permutevar8x32_ps(value, order));
            counts.count_ones() as usize
        }
    }
}

/// For each choice of lanes, a byte a lane: the numbers of the chosen ones, in their order.
static LEFT_PACKED: [u64; 256] = left_packed();

const fn left_packed() -> [u64; 256] {
    let mut table = [0; 256];
    let mut chosen = 0;
    while chosen < 256 {
        let (mut lane, mut place) = (0, 0);
        while lane < 8 {
            if chosen >> lane & 1 == 1 {
                table[chosen] |= lane << (8 * place);
                place += 1;
            }
            lane += 1;
        }
        chosen += 1;
    }
    table
}

/// A mask of the first `count` lanes, or of all.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn first_lanes(count: usize) -> __m256i {
    static LANES: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    // SAFETY: eight elements follow from each of the first nine.
    unsafe { _mm256_loadu_si256(LANES.as_ptr().add(8 - count.min(8)).cast()) }
}

/// The first `count` elements, or a whole register, followed by zeros.
///
/// # Safety
/// The CPU has AVX2, and the elements are readable.
#[inline(always)]
unsafe fn load_first(count: usize, from: *const f32) -> __m256 {
    // SAFETY: the caller's contract; the mask lets through `count` elements alone.
    unsafe { if count >= 8 { _mm256_loadu_ps(from) } else { _mm256_maskload_ps(from, first_lanes(count)) } }
}

/// Writes the first `count` elements, or a whole register. In parts: a masked store is slow on some processors.
///
/// # Safety
/// The CPU has AVX2, and the elements are writable.
#[inline(always)]
unsafe fn store_first(count: usize, values: __m256, to: *mut f32) {
    // SAFETY: the caller's contract; each part is within the `count` elements.
    unsafe {
        if count >= 8 {
            return _mm256_storeu_ps(to, values);
        }
        let (mut part, mut to): (__m128, _) = (_mm256_castps256_ps128(values), to);
        if count & 4 != 0 {
            _mm_storeu_ps(to, part);
            part = _mm256_extractf128_ps::<1>(values);
            to = to.add(4);
        }
        if count & 2 != 0 {
            _mm_storel_epi64(to.cast(), std::arch::x86_64::_mm_castps_si128(part));
            part = _mm_movehl_ps(part, part);
            to = to.add(2);
        }
        if count & 1 != 0 {
            _mm_store_ss(to, part);
        }
    }
}

/// The first `count` bytes, or 8, followed by zeros.
///
/// # Safety
/// The CPU has AVX2, and the bytes are readable.
#[inline(always)]
unsafe fn load_first_bytes(count: usize, from: *const u8) -> __m128i {
    // SAFETY: the caller's contract.
    unsafe {
        if count >= 8 {
            return _mm_loadl_epi64(from.cast());
        }
        let mut bytes = 0_u64;
        for at in (0..count).rev() {
            bytes = bytes << 8 | u64::from(*from.add(at));
        }
        _mm_cvtsi64_si128(bytes.cast_signed())
    }
}

/// Writes the first `count` bytes, or 8.
///
/// # Safety
/// The CPU has AVX2, and the bytes are writable.
#[inline(always)]
unsafe fn store_first_bytes(count: usize, bytes: __m128i, to: *mut u8) {
    // SAFETY: the caller's contract.
    unsafe {
        if count >= 8 {
            return _mm_storel_epi64(to.cast(), bytes);
        }
        let mut bytes = _mm_cvtsi128_si64(bytes);
        for at in 0..count {
            *to.add(at) = bytes as u8;
            bytes >>= 8;
        }
    }
}

/// Of up to 16 elements those at even and those at odd places; [`in_order`] brings either into their order.
///
/// # Safety
/// The CPU has AVX2, and the elements are readable.
#[inline(always)]
unsafe fn even_and_odd(count: usize, from: *const f32) -> (__m256, __m256) {
    // SAFETY: the caller's contract.
    unsafe {
        let left = load_first(count, from);
        let right = load_first(count.saturating_sub(8), from.wrapping_add(8));
        (_mm256_shuffle_ps::<0b10_00_10_00>(left, right), _mm256_shuffle_ps::<0b11_01_11_01>(left, right))
    }
}

/// Pairs of elements from the order of shuffles, which know 128 bits alone, to that of memory.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn in_order(shuffled: __m256) -> __m256 {
    // SAFETY: the caller's contract.
    unsafe { _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(_mm256_castps_pd(shuffled))) }
}

/// Transposes 8 × 8 floats: pairs of rows, then fours within 128 bits, then the 128-bit parts.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn transposed(rows: [__m256; 8]) -> [__m256; 8] {
    let mut pairs = rows;
    let mut fours = rows;
    let mut columns = rows;
    // SAFETY: the caller's contract.
    unsafe {
        for i in 0..4 {
            pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
            pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
        }
        // fours[4 g + c]: in its 128-bit part p, column 4 p + c of rows 4 g to 4 g + 3.
        for group in 0..2 {
            for half in 0..2 {
                let (low, high) = (pairs[4 * group + half], pairs[4 * group + 2 + half]);
                fours[4 * group + 2 * half] = _mm256_shuffle_ps::<0b01_00_01_00>(low, high);
                fours[4 * group + 2 * half + 1] = _mm256_shuffle_ps::<0b11_10_11_10>(low, high);
            }
        }
        for c in 0..4 {
            columns[c] = _mm256_permute2f128_ps::<0x20>(fours[c], fours[4 + c]);
            columns[4 + c] = _mm256_permute2f128_ps::<0x31>(fours[c], fours[4 + c]);
        }
    }
    columns
}
