//! ReLU and 2×2 max pooling of one plane of sums, and the same choice of other sums.

use super::geometry::Geometry;
pub(crate) use crate::vector::NO_ARGMAX;
use crate::vector::Vector;

/// Pools a plane with `pitch` sums a row. The argmax is 2 × row + column within the window, the first of equal ones; NaN is larger
/// than everything, so that a run that diverged is seen to have.
///
/// # Safety
/// The CPU has V's instructions.
#[inline(always)]
pub(crate) unsafe fn pool_plane<V: Vector>(
    g: &Geometry,
    sums: &[V::Element],
    pooled: &mut [V::Element],
    argmax: &mut [u8],
) {
    let (rows, columns) = (g.height / 2, g.width / 2);
    debug_assert!(
        sums.len() >= 2 * rows * g.pitch() && pooled.len() == rows * columns && argmax.len() == pooled.len()
    );
    for y in 0..rows {
        for start in (0..columns).step_by(V::WIDTH) {
            // The last register begins earlier where it would reach beyond the row: some windows are pooled twice, and no mask is needed.
            let x = start.min(columns.saturating_sub(V::WIDTH));
            let (sum, window) = (2 * y * g.pitch() + 2 * x, y * columns + x);
            // SAFETY: at most `columns - x` windows follow on each other from here, in sums as in results.
            unsafe {
                V::pool(
                    V::WIDTH.min(columns - x),
                    sums.as_ptr().add(sum),
                    sums.as_ptr().add(sum + g.pitch()),
                    pooled.as_mut_ptr().add(window),
                    argmax.as_mut_ptr().add(window),
                );
            }
        }
    }
}

/// The sums of a plane at the argmax of another plane; zero where there was none.
#[inline(always)]
pub(crate) fn select_plane<T: Copy + Default>(g: &Geometry, sums: &[T], selected: &mut [T], argmax: &[u8]) {
    let columns = g.width / 2;
    let offsets = [0, 1, g.pitch(), g.pitch() + 1];
    for (y, (selected, argmax)) in
        selected.chunks_exact_mut(columns).zip(argmax.chunks_exact(columns)).enumerate()
    {
        for (x, (selected, max_index)) in selected.iter_mut().zip(argmax).enumerate() {
            let corner = 2 * y * g.pitch() + 2 * x;
            *selected = match offsets.get(usize::from(*max_index)) {
                Some(offset) => sums[corner + offset],
                None => T::default(),
            };
        }
    }
}
