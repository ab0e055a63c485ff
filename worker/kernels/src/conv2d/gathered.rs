//! The inner loop of a product whose rows are found by addresses: a tile of sums that stays in registers.

use crate::vector::Vector;

/// Three nested loops, the outermost first: at each step the row's element is so far from its start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steps {
    pub(super) counts: [usize; 3],
    pub(super) strides: [isize; 3],
}

impl Steps {
    /// How far the steps go before their start, and behind it.
    pub(super) fn reach(&self) -> (usize, usize) {
        let (mut before, mut behind) = (0, 0);
        for (count, stride) in self.counts.into_iter().zip(self.strides) {
            let distance = count.saturating_sub(1) * stride.unsigned_abs();
            if stride < 0 {
                before += distance;
            } else {
                behind += distance;
            }
        }
        (before, behind)
    }
}

/// The most rows of a tile of so many registers a row: sums, a row's factor and a run fit the registers.
pub(super) const fn tile_rows<V: Vector>(vectors: usize) -> usize {
    if V::REGISTERS > 16 {
        match vectors {
            0..=3 => 8,
            4 => 6,
            _ => 4,
        }
    } else {
        V::TILE_ROWS
    }
}

/// Adds to each row's sums its elements times the runs of `b`, of which one follows on the other.
///
/// Each sum is taken in the order of the steps, whatever the tile's size.
///
/// # Safety
/// All elements that the steps reach from each row are readable, and as many runs of `VECTORS` registers of `b` as there are steps.
#[inline(always)]
pub(super) unsafe fn accumulate_gathered<V: Vector, const ROWS: usize, const VECTORS: usize>(
    rows: &[*const V::Element; ROWS],
    steps: Steps,
    mut b: *const V::Element,
    sums: &mut [[V; VECTORS]; ROWS],
) {
    let Steps { counts: [outer, middle, inner], strides } = steps;
    for i in 0..outer.cast_signed() {
        for j in 0..middle.cast_signed() {
            let mut offset = i * strides[0] + j * strides[1];
            for _ in 0..inner {
                // SAFETY: the caller's contract.
                unsafe {
                    let mut run = [V::splat(V::Element::default()); VECTORS];
                    for (vector, run) in run.iter_mut().enumerate() {
                        *run = V::load(b.add(vector * V::WIDTH));
                    }
                    for (row, sums) in rows.iter().zip(sums.iter_mut()) {
                        let factor = V::splat(*row.offset(offset));
                        for (sum, run) in sums.iter_mut().zip(run) {
                            *sum = run.mul_add(factor, *sum);
                        }
                    }
                    b = b.add(VECTORS * V::WIDTH);
                }
                offset += strides[2];
            }
        }
    }
}

/// One tile: sums go on from `from`, a row's at a time, and are written to `to`.
///
/// # Safety
/// As for [`accumulate_gathered`]; each of `from` is readable and each of `to` writable for `VECTORS` registers.
#[inline(always)]
pub(super) unsafe fn gathered_tile<V: Vector, const ROWS: usize, const VECTORS: usize>(
    rows: &[*const V::Element; ROWS],
    steps: Steps,
    b: *const V::Element,
    from: [*const V::Element; ROWS],
    to: [*mut V::Element; ROWS],
) {
    // SAFETY: the caller's contract.
    unsafe {
        let mut sums = [[V::splat(V::Element::default()); VECTORS]; ROWS];
        for (sums, from) in sums.iter_mut().zip(from) {
            for (vector, sum) in sums.iter_mut().enumerate() {
                *sum = V::load(from.add(vector * V::WIDTH));
            }
        }
        accumulate_gathered::<V, ROWS, VECTORS>(rows, steps, b, &mut sums);
        for (sums, to) in sums.into_iter().zip(to) {
            for (vector, sum) in sums.into_iter().enumerate() {
                sum.store(to.add(vector * V::WIDTH));
            }
        }
    }
}

/// Calls `$body` with the constants `$R` and `$N` set to `$rows` (1 to [`tile_rows`]) and `$vectors` (1 to `TILE_VECTORS` of `$V`).
macro_rules! with_gathered_tile {
    ($V:ty, $rows:expr, $vectors:expr, |$R:ident, $N:ident| $body:expr) => {{
        macro_rules! arm {
            ($r:literal, $n:literal) => {{
                const $R: usize = $r;
                const $N: usize = $n;
                $body
            }};
        }
        macro_rules! rows {
            ($n:literal) => {{
                match $rows {
                    1 => arm!(1, $n),
                    2 => arm!(2, $n),
                    3 => arm!(3, $n),
                    4 => arm!(4, $n),
                    5 if tile_rows::<$V>($n) > 4 => arm!(5, $n),
                    6 if tile_rows::<$V>($n) > 4 => arm!(6, $n),
                    7 if tile_rows::<$V>($n) > 6 => arm!(7, $n),
                    8 if tile_rows::<$V>($n) > 6 => arm!(8, $n),
                    _ => unreachable!("a tile is at most tile_rows high"),
                }
            }};
        }
        match $vectors {
            1 => rows!(1),
            2 => rows!(2),
            3 if <$V>::TILE_VECTORS > 2 => rows!(3),
            4 if <$V>::TILE_VECTORS > 2 => rows!(4),
            5 if <$V>::TILE_VECTORS > 2 => rows!(5),
            6 if <$V>::TILE_VECTORS > 2 => rows!(6),
            _ => unreachable!("a tile is at most TILE_VECTORS wide"),
        }
    }};
}
pub(super) use with_gathered_tile;
