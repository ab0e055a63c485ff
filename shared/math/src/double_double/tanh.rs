//! The hyperbolic tangent in twice the precision.

use super::DoubleDouble;

/// ln 2.
const LN_2: DoubleDouble = DoubleDouble { high: std::f64::consts::LN_2, low: 2.319_046_813_846_299_6e-17 };

/// 1/n! from n = 3 to 9.
const FACTORIALS: [DoubleDouble; 7] = [
    DoubleDouble { high: 0.166_666_666_666_666_66, low: 9.251_858_538_542_97e-18 },
    DoubleDouble { high: 0.041_666_666_666_666_664, low: 2.312_964_634_635_742_7e-18 },
    DoubleDouble { high: 0.008_333_333_333_333_333, low: 1.156_482_317_317_871_4e-19 },
    DoubleDouble { high: 0.001_388_888_888_888_889, low: -5.300_543_954_373_577e-20 },
    DoubleDouble { high: 0.000_198_412_698_412_698_4, low: 1.720_955_829_342_070_5e-22 },
    DoubleDouble { high: 2.480_158_730_158_73e-5, low: 2.151_194_786_677_588_2e-23 },
    DoubleDouble { high: 2.755_731_922_398_589_3e-6, low: -1.858_393_274_046_472e-22 },
];

/// So often the argument of the series is halved.
const HALVINGS: i32 = 8;

impl DoubleDouble {
    /// tanh x, within 2^−96 of its size.
    ///
    /// For x ≥ 0 it is E / (E + 2) with E = e²ˣ − 1. With k the whole number nearest to 2x / ln 2 and r what is left, the series of
    /// eʳ − 1 is summed at r / 2⁸ and squared up: e²ˢ − 1 = (eˢ − 1)(eˢ − 1 + 2), which loses nothing where s is small.
    #[must_use]
    pub fn tanh(self) -> Self {
        if !self.is_finite() {
            return Self::from(crate::tanh(self.high));
        }
        if self.high < 0.0 {
            return -(-self).tanh();
        }
        // Below, tanh x is x to all digits; above, 1.
        if self.high < 1e-60 {
            return self;
        }
        if self.high > 40.0 {
            return Self::from(1.0);
        }
        let doubled = self.scaled(2.0);
        let whole = (doubled.high * std::f64::consts::LOG2_E).round();
        let minus_one = exp_minus_one(doubled - LN_2 * Self::from(whole));
        // At most 2^116, exactly.
        let power = f64::from_bits((1023 + whole as u64) << 52);
        let e = minus_one.scaled(power) + (Self::from(power) - Self::from(1.0));
        e / (e + Self::from(2.0))
    }
}

/// eʳ − 1, for |r| ≤ ln 2 / 2 and a little more.
fn exp_minus_one(r: DoubleDouble) -> DoubleDouble {
    let s = r.scaled(1.0 / f64::from(1_u32 << HALVINGS));
    let [.., last] = FACTORIALS;
    let higher = FACTORIALS[..FACTORIALS.len() - 1].iter().rev().fold(last, |sum, &next| sum * s + next);
    let mut minus_one = s + s * s * (DoubleDouble::from(0.5) + s * higher);
    for _ in 0..HALVINGS {
        minus_one *= minus_one + DoubleDouble::from(2.0);
    }
    minus_one
}
