//! The regularised incomplete beta function, on which Student's t distribution rests.

/// ln B(a, b), where B(a, b) = Γ(a)Γ(b)/Γ(a+b); a and b above 0.
pub(super) fn log_beta(a: f64, b: f64) -> f64 {
    log_gamma(a) + log_gamma(b) - log_gamma(a + b)
}

/// ln Γ(x) for x above 0: Stirling's series (Abramowitz & Stegun, "Handbook of Mathematical Functions", 1964, 6.1.41) at
/// 10 or more, where its first terms are exact to the last digits; below, by Γ(x+1) = xΓ(x).
fn log_gamma(x: f64) -> f64 {
    let (mut shifted, mut product) = (x, 1.0);
    while shifted < 10.0 {
        product *= shifted;
        shifted += 1.0;
    }
    let inverse = 1.0 / shifted;
    let square = inverse * inverse;
    let series = 1.0 / 12.0
        - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square * (1.0 / 1680.0 - square / 1188.0)));
    let half_log_tau = 0.5 * std::f64::consts::TAU.ln();
    (shifted - 0.5) * shifted.ln() - shifted + half_log_tau + inverse * series - f64::ln(product)
}

/// I_x(a, b), the share of the beta distribution below x in [0, 1]. `rest` is 1 − x, which the caller may know more
/// exactly, and `log_beta` is [`log_beta`] of a and b.
///
/// By the continued fraction 8.17.22 of the NIST Digital Library of Mathematical Functions, which converges fast below the
/// distribution's mean; above it, by I_x(a, b) = 1 − I_{1−x}(b, a).
pub(super) fn share_below(x: f64, rest: f64, a: f64, b: f64, log_beta: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if rest <= 0.0 {
        return 1.0;
    }
    let front = (a * x.ln() + b * rest.ln() - log_beta).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front / a * fraction(x, a, b)
    } else {
        1.0 - front / b * fraction(rest, b, a)
    }
}

/// The continued fraction 1/(1 + d₁/(1 + d₂/(1 + …))) of the incomplete beta function, by Lentz's method (Lentz 1976,
/// "Generating Bessel functions in Mie scattering calculations using continued fractions"): each step multiplies the value
/// by the ratio of the next convergent to the last.
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const MOST: u32 = 10_000;
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let even = |m: f64| m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
    let odd = |m: f64| -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
    let (mut numerators, mut denominators) = (1.0, 1.0 / away_from_zero(1.0 + odd(0.0)));
    let mut value = denominators;
    for m in (1..MOST).map(f64::from) {
        let mut change = 1.0;
        for coefficient in [even(m), odd(m)] {
            denominators = 1.0 / away_from_zero(1.0 + coefficient * denominators);
            numerators = away_from_zero(1.0 + coefficient / numerators);
            change = numerators * denominators;
            value *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use statrs::function::beta::beta_reg;

    use super::*;

    #[test]
    fn the_logarithm_of_the_gamma_function_is_that_of_factorials_and_of_the_root_of_pi() {
        let factorials = [(1.0, 1.0), (2.0, 1.0), (5.0, 24.0), (11.0, 3_628_800.0)];
        for (x, gamma) in factorials {
            assert!((log_gamma(x) - f64::ln(gamma)).abs() < 1e-13, "{x}");
        }
        assert!((log_gamma(0.5) - 0.5 * std::f64::consts::PI.ln()).abs() < 1e-13);
    }

    /// `scipy.special.betainc(a, b, x)` of SciPy 1.17.1.
    #[test]
    fn shares_agree_with_scipy() {
        for (a, b, x, expected) in SCIPY {
            let share = share_below(x, 1.0 - x, a, b, log_beta(a, b));
            assert!((share - expected).abs() < 1e-12, "{a} {b} {x}: {share} instead of {expected}");
        }
        assert_eq!(share_below(0.0, 1.0, 2.0, 3.0, log_beta(2.0, 3.0)), 0.0);
        assert_eq!(share_below(1.0, 0.0, 2.0, 3.0, log_beta(2.0, 3.0)), 1.0);
    }

    #[test]
    fn shares_agree_with_statrs() {
        for (a, b) in [(0.5, 0.5), (0.5, 2.0), (3.7, 0.5), (2.0, 9.5), (0.5, 400.0)] {
            for x in (1..100).map(|percent| f64::from(percent) / 100.0) {
                let share = share_below(x, 1.0 - x, a, b, log_beta(a, b));
                let expected = beta_reg(a, b, x);
                assert!((share - expected).abs() < 1e-11, "{a} {b} {x}: {share} instead of {expected}");
            }
        }
    }

    const SCIPY: [(f64, f64, f64, f64); 5] = [
        (0.5, 0.5, 0.3, 0.36901011956554536),
        (0.5, 2.0, 0.9, 0.9961174629530394),
        (2.35, 0.5, 0.02, 3.57641631898376e-05),
        (0.5, 500.0, 0.004, 0.9546619048027479),
        (18.6, 0.5, 0.97, 0.2903505367059049),
    ];
}
