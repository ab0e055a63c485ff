//! Sums over points, each in one fixed order whatever the machine.

/// The numbers that are summed side by side.
const LANES: usize = 4;

/// `sums` + `scale`·`values`, elementwise.
#[inline]
pub(super) fn add_scaled(sums: &mut [f64], scale: f64, values: &[f64]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += scale * value;
    }
}

/// The sum of products of two equally long slices.
#[inline]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ([a_lanes, b_lanes], [a_rest, b_rest]) = split(a, b);
    let mut sums = [0.0; LANES];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    total(sums) + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

type Lanes<'a> = &'a [[f64; LANES]];

#[inline]
fn split<'a>(a: &'a [f64], b: &'a [f64]) -> ([Lanes<'a>; 2], [&'a [f64]; 2]) {
    let ((a_lanes, a_rest), (b_lanes, b_rest)) = (a.as_chunks(), b.as_chunks());
    ([a_lanes, b_lanes], [a_rest, b_rest])
}

#[inline]
fn total(sums: [f64; LANES]) -> f64 {
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
