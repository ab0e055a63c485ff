//! Sums and products of two doubles with what they leave, exactly.

/// a + b as the nearest double and what is left of the sum, exactly (Knuth, "The Art of Computer Programming", volume 2,
/// section 4.2.2, theorem B).
pub(crate) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

/// a × b as the nearest double and what is left of the product, exactly (Dekker 1971, "A floating-point technique for extending the
/// available precision"); for magnitudes up to 2^500, where nothing underflows.
pub(crate) fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    let ((a_high, a_low), (b_high, b_low)) = (split(a), split(b));
    let left = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
    (product, left)
}

/// A number as two of 26 bits each.
fn split(a: f64) -> (f64, f64) {
    let scaled = 134_217_729.0 * a;
    let high = scaled - (scaled - a);
    (high, a - high)
}

/// The product of two pairs, to about 2^−100 of its size.
pub(crate) fn product(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    let (high, left) = two_product(a.0, b.0);
    two_sum(high, left + (a.0 * b.1 + a.1 * b.0))
}
