//! ReLU and 2×2 max pooling of one plane of sums.

use super::geometry::Geometry;
use crate::element::Element;

/// What stands in place of a window's winner if ReLU made all of it zero: there is no gradient.
pub(crate) const NONE: u8 = 4;

/// Pools a plane with `pitch` sums a row. The winner is 2 × row + column within the window, the first of equal ones; NaN wins
/// over everything, so that a run that diverged is seen to have.
#[inline(always)]
pub(crate) fn pool_plane<T: Element>(g: &Geometry, sums: &[T], pooled: &mut [T], winners: &mut [u8]) {
    let columns = g.width / 2;
    let rows = sums.chunks(2 * g.pitch());
    for ((rows, pooled), winners) in
        rows.zip(pooled.chunks_exact_mut(columns)).zip(winners.chunks_exact_mut(columns))
    {
        let (top, bottom) = rows.split_at(g.pitch());
        pool_row(&top[..2 * columns], &bottom[..2 * columns], pooled, winners);
    }
}

#[inline(always)]
fn pool_row<T: Element>(top: &[T], bottom: &[T], pooled: &mut [T], winners: &mut [u8]) {
    let windows = top.chunks_exact(2).zip(bottom.chunks_exact(2));
    for ((top, bottom), (pooled, winner)) in windows.zip(pooled.iter_mut().zip(winners)) {
        let (mut best, mut place) = (top[0], 0_u8);
        for (other, value) in [(1, top[1]), (2, bottom[0]), (3, bottom[1])] {
            let wins = value > best || value.is_nan();
            best = if wins { value } else { best };
            place = if wins { other } else { place };
        }
        let dead = best <= T::default();
        *pooled = if dead { T::default() } else { best };
        *winner = if dead { NONE } else { place };
    }
}
