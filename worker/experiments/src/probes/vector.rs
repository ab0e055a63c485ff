//! Sums over long vectors, in an order that depends on their length alone.

/// Sums kept side by side, so that the compiler may hold them in vector registers without reordering anything.
const LANES: usize = 8;

/// Σ aᵢbᵢ.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (whole_a, whole_b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = whole_a.remainder().iter().zip(whole_b.remainder()).map(|(a, b)| a * b).sum();
    let mut lanes = [0.0; LANES];
    for (a, b) in whole_a.zip(whole_b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// ‖a‖₂.
pub(super) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// a ← a + factor·b.
pub(super) fn add_scaled(a: &mut [f64], factor: f64, b: &[f64]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a += factor * b;
    }
}

/// a ← factor·a.
pub(super) fn scale(a: &mut [f64], factor: f64) {
    for a in a {
        *a *= factor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_definition_at_every_length() {
        for count in 0..40 {
            // Whole numbers: exact in any order.
            let a: Vec<f64> = (0..count).map(|at| f64::from(at * 7 % 11) - 5.0).collect();
            let b: Vec<f64> = (0..count).map(|at| f64::from(at * 5 % 13) - 6.0).collect();
            let expected: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            assert_eq!(dot(&a, &b), expected, "{count}");
            let squares: f64 = a.iter().map(|a| a * a).sum();
            assert_eq!(norm(&a), squares.sqrt(), "{count}");
            let mut sum = a.clone();
            add_scaled(&mut sum, -2.0, &b);
            assert!(sum.iter().zip(a.iter().zip(&b)).all(|(sum, (a, b))| *sum == a - 2.0 * b));
            scale(&mut sum, 0.0);
            assert!(sum.iter().all(|value| *value == 0.0));
        }
    }

    #[test]
    fn the_order_of_a_sum_follows_from_its_length_alone() {
        let a: Vec<f64> = (0..1_003).map(|at| f64::from(at).sin() * 10f64.powi(at % 9)).collect();
        let mut lanes = [0.0; LANES];
        for chunk in a.chunks_exact(LANES) {
            lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += value * value);
        }
        let rest: f64 = a[1_000..].iter().map(|value| value * value).sum();
        assert_eq!(dot(&a, &a).to_bits(), (lanes.iter().sum::<f64>() + rest).to_bits());
    }
}
