//! Sums over points, each in one fixed order whatever the machine.

use super::scalar::Scalar;

/// The numbers that are summed side by side.
const LANES: usize = 4;

/// `sums` + `scale`·`values`, elementwise.
#[inline]
pub(super) fn add_scaled<T: Scalar>(sums: &mut [T], scale: T, values: &[T]) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum += scale * value;
    }
}

/// The sum of products of two equally long slices.
#[inline]
pub(super) fn dot<T: Scalar>(a: &[T], b: &[T]) -> T {
    let ([a_lanes, b_lanes], [a_rest, b_rest]) = split(a, b);
    let mut sums = [T::from(0.0); LANES];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    total(sums) + a_rest.iter().zip(b_rest).map(|(&a, &b)| a * b).sum::<T>()
}

type Lanes<'a, T> = &'a [[T; LANES]];

#[inline]
fn split<'a, T>(a: &'a [T], b: &'a [T]) -> ([Lanes<'a, T>; 2], [&'a [T]; 2]) {
    let ((a_lanes, a_rest), (b_lanes, b_rest)) = (a.as_chunks(), b.as_chunks());
    ([a_lanes, b_lanes], [a_rest, b_rest])
}

#[inline]
fn total<T: Scalar>(sums: [T; LANES]) -> T {
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// `products` = a·b, elementwise.
#[inline]
pub(super) fn set_product(products: &mut [f64], a: &[f64], b: &[f64]) {
    for ((product, a), b) in products.iter_mut().zip(a).zip(b) {
        *product = a * b;
    }
}

/// `sums` + a·b, elementwise.
#[inline]
pub(super) fn add_product(sums: &mut [f64], a: &[f64], b: &[f64]) {
    for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
        *sum += a * b;
    }
}

/// The length of a vector.
pub(super) fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|element| element * element).sum::<f64>().sqrt()
}

/// Adds to `sums` the [`dot`] of one slice with each row of `rows` `[sums, points]`.
#[inline]
pub(super) fn add_dots(a: &[f64], rows: &[f64], sums: &mut [f64]) {
    for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(a.len())) {
        *sum += dot(a, row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_sums_of_products_also_where_lanes_are_left_over() {
        for (points, rows) in [(1, 1), (5, 3), (8, 4), (11, 9)] {
            let a: Vec<f64> = (0..points).map(|index| f64::from(index).sin()).collect();
            let all: Vec<f64> = (0..points * rows).map(|index| f64::from(index).cos()).collect();
            let mut sums = vec![1.0; rows as usize];
            add_dots(&a, &all, &mut sums);
            for (sum, row) in sums.iter().zip(all.chunks_exact(a.len())) {
                let plain: f64 = a.iter().zip(row).map(|(a, b)| a * b).sum();
                assert!((sum - 1.0 - plain).abs() < 1e-13, "{points} points");
            }
        }
    }
}
