//! The inner loop of every dense product: a tile of sums that stays in registers.

use crate::vector::Vector;

/// Where the tile's operands lie. The sum runs over three nested loops; at each step of them `ROWS` elements of `a` are each
/// multiplied with a run of `VECTORS` registers of `b`.
///
/// A matrix product has one loop. A convolution has three (channels, kernel rows, kernel columns) and reads `b` from the padded
/// image where it lies, instead of from a copy with one column a pixel.
#[derive(Clone, Copy)]
pub(crate) struct Operands<T> {
    /// `a` of the first row and step.
    pub(crate) a: *const T,
    /// From one row of `a` to the next.
    pub(crate) a_row: usize,
    /// From one step of `a` to the next, over all loops.
    pub(crate) a_step: usize,
    /// `b` of the first step.
    pub(crate) b: *const T,
    /// Lengths of the loops, the outermost first.
    pub(crate) counts: [usize; 3],
    /// The distance by which a step of each loop moves `b`.
    pub(crate) strides: [usize; 3],
}

/// Adds all products to `sums`.
///
/// Each sum is taken in the order of the steps, whatever the tile's size: results don't depend on how work is cut into tiles.
///
/// # Safety
/// All elements that the loops reach are readable: `ROWS` of `a`, and `VECTORS × WIDTH` of `b`, a step.
#[inline(always)]
pub(crate) unsafe fn accumulate<V: Vector, const ROWS: usize, const VECTORS: usize>(
    operands: Operands<V::Element>,
    sums: &mut [[V; VECTORS]; ROWS],
) {
    // SAFETY: the caller's contract.
    unsafe { accumulate_by::<V, ROWS, VECTORS, 0>(operands, sums) };
}

/// [`accumulate`] with an innermost loop of `INNER` steps, which needs no counter; of as many as the operands say if that is zero.
///
/// # Safety
/// As for [`accumulate`].
#[inline(always)]
pub(crate) unsafe fn accumulate_by<V: Vector, const ROWS: usize, const VECTORS: usize, const INNER: usize>(
    operands: Operands<V::Element>,
    sums: &mut [[V; VECTORS]; ROWS],
) {
    let Operands { a, a_row, a_step, b, counts: [outer, middle, inner], strides } = operands;
    // A pointer a row: multiples of a distance that is known at run time alone would take more registers than there are.
    let mut rows: [*const V::Element; ROWS] = std::array::from_fn(|row| a.wrapping_add(row * a_row));
    for i in 0..outer {
        for j in 0..middle {
            // SAFETY: the caller's contract: `b` reaches every step.
            let mut b = unsafe { b.add(i * strides[0] + j * strides[1]) };
            for _ in 0..if INNER == 0 { inner } else { INNER } {
                // SAFETY: the caller's contract. The last step's pointers may end up beyond the operands, so they wrap.
                unsafe {
                    let mut run = [V::splat(V::Element::default()); VECTORS];
                    for (vector, run) in run.iter_mut().enumerate() {
                        *run = V::load(b.add(vector * V::WIDTH));
                    }
                    for (a, sums) in rows.iter_mut().zip(sums.iter_mut()) {
                        let factor = V::splat(**a);
                        for (sum, run) in sums.iter_mut().zip(run) {
                            *sum = run.mul_add(factor, *sum);
                        }
                        *a = a.wrapping_add(a_step);
                    }
                }
                b = b.wrapping_add(strides[2]);
            }
        }
    }
}

/// Calls `$body` with the constants `$R` and `$N` set to `$rows` (1 to `TILE_ROWS` of `$V`) and `$vectors` (1 to `TILE_VECTORS` of `$V`).
macro_rules! with_tile {
    ($V:ty, $rows:expr, $vectors:expr, |$R:ident, $N:ident| $body:expr) => {{
        macro_rules! arm {
            ($r:literal, $n:literal) => {{
                const $R: usize = $r;
                const $N: usize = $n;
                $body
            }};
        }
        macro_rules! vectors {
            ($r:literal) => {
                match $vectors {
                    1 => arm!($r, 1),
                    2 => arm!($r, 2),
                    3 if <$V>::TILE_VECTORS > 2 => arm!($r, 3),
                    4 if <$V>::TILE_VECTORS > 2 => arm!($r, 4),
                    5 if <$V>::TILE_VECTORS > 2 => arm!($r, 5),
                    6 if <$V>::TILE_VECTORS > 2 => arm!($r, 6),
                    _ => unreachable!("a tile is at most TILE_VECTORS wide"),
                }
            };
        }
        match $rows {
            1 => vectors!(1),
            2 => vectors!(2),
            3 => vectors!(3),
            4 => vectors!(4),
            5 if <$V>::TILE_ROWS > 4 => vectors!(5),
            6 if <$V>::TILE_ROWS > 4 => vectors!(6),
            _ => unreachable!("a tile is at most TILE_ROWS high"),
        }
    }};
}
pub(crate) use with_tile;
