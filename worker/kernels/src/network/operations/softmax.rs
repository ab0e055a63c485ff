//! Softmax of rows.

use crate::network::operation::Float;
use crate::vector::{Kernel, Vector};

/// Sums that are taken side by side, so that the compiler may keep them in a path's registers without reordering any.
const LANES: usize = 16;

/// Makes of each row of a square of scores, times `scale`, its probabilities: e^(s − max) / Σ e^(s − max). If it is causal, row i ends
/// with its element i, and zeros follow.
pub(super) fn softmax_rows<T: Float>(scores: &mut [T], width: usize, scale: T, is_causal: bool) {
    T::dispatch(Softmax { scores, width, scale, is_causal });
}

/// Makes of the gradient of each row's probabilities that of its scores: scale · p∘(g − Σ p∘g).
pub(super) fn softmax_back_rows<T: Float>(shares: &[T], gradient: &mut [T], width: usize, scale: T) {
    T::dispatch(SoftmaxBack { shares, gradient, width, scale });
}

struct Softmax<'a, T> {
    scores: &'a mut [T],
    width: usize,
    scale: T,
    is_causal: bool,
}

impl<T: Float> Kernel<T> for Softmax<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        for (row, scores) in self.scores.chunks_exact_mut(self.width).enumerate() {
            let seen = if self.is_causal { row + 1 } else { self.width };
            let (scores, hidden) = scores.split_at_mut(seen);
            hidden.fill(T::default());
            for score in scores.iter_mut() {
                *score *= self.scale;
            }
            let mut largest = [scores[0]; LANES];
            for chunk in scores.chunks(LANES) {
                for (largest, score) in largest.iter_mut().zip(chunk) {
                    *largest = if *score > *largest { *score } else { *largest };
                }
            }
            let mut max = largest[0];
            for largest in largest {
                max = if largest > max { largest } else { max };
            }
            for score in scores.iter_mut() {
                *score = (*score - max).exp();
            }
            let mut lanes = [T::default(); LANES];
            for chunk in scores.chunks(LANES) {
                for (sum, score) in lanes.iter_mut().zip(chunk) {
                    *sum += *score;
                }
            }
            let share = T::from_f64(1.0) / total(lanes);
            for score in scores.iter_mut() {
                *score *= share;
            }
        }
    }
}

struct SoftmaxBack<'a, T> {
    shares: &'a [T],
    gradient: &'a mut [T],
    width: usize,
    scale: T,
}

impl<T: Float> Kernel<T> for SoftmaxBack<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let rows = self.gradient.chunks_exact_mut(self.width).zip(self.shares.chunks_exact(self.width));
        for (gradient, shares) in rows {
            let mut lanes = [T::default(); LANES];
            for (gradient, shares) in gradient.chunks(LANES).zip(shares.chunks(LANES)) {
                for (sum, (gradient, share)) in lanes.iter_mut().zip(gradient.iter().zip(shares)) {
                    *sum += *gradient * *share;
                }
            }
            let mean = total(lanes);
            for (gradient, share) in gradient.iter_mut().zip(shares) {
                *gradient = self.scale * (*share * (*gradient - mean));
            }
        }
    }
}

/// The sum of all lanes, halves upon halves.
#[inline(always)]
pub(super) fn total<T: std::ops::Add<Output = T> + Copy>(mut lanes: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = lanes[lane] + lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_probabilities_also_of_large_scores() {
        let mut scores = [1000.0_f32, 1001.0, 0.0, 0.0, -5.0, f32::MIN, 7.0, 7.0, 7.0];
        softmax_rows(&mut scores, 3, 1.0, false);
        let share = 1.0 / (1.0 + basin_math::exp(1.0));
        for (found, expected) in scores.iter().zip([share, 1.0 - share, 0.0, 0.993_307, 0.006_693, 0.0]) {
            assert!((f64::from(*found) - expected).abs() < 1e-6, "{scores:?}");
        }
        assert_eq!(scores[6..], [1.0 / 3.0; 3]);
    }

    #[test]
    fn a_position_of_a_causal_row_sees_none_after_it() {
        let mut scores = [0.0_f64, 9.0, f64::NAN, 2.0, 2.0, 3.0, 1.0, 1.0, 1.0];
        softmax_rows(&mut scores, 3, 0.5, true);
        assert_eq!(scores[..6], [1.0, 0.0, 0.0, 0.5, 0.5, 0.0]);
    }
}
