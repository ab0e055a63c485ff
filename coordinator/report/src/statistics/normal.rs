//! The standard normal distribution.

/// The probability of lying below `z`: 1/2 + φ(z)·(z + z³/3 + z⁵/(3·5) + …) (Marsaglia 2004, "Evaluating the normal
/// distribution", Journal of Statistical Software 11(4)). Exact to about 15 decimals; 0 or 1 beyond ±8, where nothing else
/// shows in so many.
pub(super) fn probability_below(z: f64) -> f64 {
    if z.is_nan() {
        return f64::NAN;
    }
    if z.abs() > FARTHEST {
        return if z < 0.0 { 0.0 } else { 1.0 };
    }
    let (mut term, mut sum, mut k) = (z, z, 1.0);
    loop {
        k += 2.0;
        term *= z * z / k;
        if sum + term == sum {
            break;
        }
        sum += term;
    }
    0.5 + sum * (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt()
}

/// The z below which a normal number lies with this probability, 0 < `probability` < 1; at most 8 on either side.
pub(super) fn quantile(probability: f64) -> f64 {
    let (mut low, mut high) = (-FARTHEST, FARTHEST);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if probability_below(middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Beyond this the distribution can't be told from its end.
const FARTHEST: f64 = 8.0;

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF, Normal};

    use super::*;

    #[test]
    fn probabilities_and_quantiles_agree_with_statrs() {
        let normal = Normal::standard();
        for share in (1..1_000).map(|per_mille| f64::from(per_mille) / 1_000.0) {
            let z = quantile(share);
            assert!((z - normal.inverse_cdf(share)).abs() < 1e-11, "{share}: {z}");
            assert!((probability_below(z) - normal.cdf(z)).abs() < 1e-10, "{z}");
        }
    }

    /// `scipy.stats.norm.cdf(z)` of SciPy 1.17.1.
    #[test]
    fn probabilities_agree_with_scipy() {
        let table = [
            (-3.0, 0.001_349_898_031_630_093_3),
            (-1.0, 0.158_655_253_931_457_07),
            (0.0, 0.5),
            (0.5, 0.691_462_461_274_013_1),
            (1.959_963_984_540_054, 0.975),
            (4.0, 0.999_968_328_758_166_9),
        ];
        for (z, expected) in table {
            let probability = probability_below(z);
            assert!((probability - expected).abs() < 1e-14, "{z}: {probability} instead of {expected}");
        }
        assert_eq!((probability_below(-9.0), probability_below(f64::INFINITY)), (0.0, 1.0));
    }

    /// `scipy.stats.norm.ppf(p)` of SciPy 1.17.1.
    #[test]
    fn quantiles_agree_with_scipy() {
        let table = [
            (1e-4, -3.719_016_485_455_680_4),
            (0.025, -1.959_963_984_540_054_5),
            (0.5, 0.0),
            (0.9, 1.281_551_565_544_600_4),
            (0.9995, 3.290_526_731_491_925_5),
        ];
        for (probability, expected) in table {
            let z = quantile(probability);
            assert!((z - expected).abs() < 1e-10, "{probability}: {z} instead of {expected}");
        }
    }
}
