//! The functions against numbers of 200 bits and more, which `references.py` computed.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use basin_math::{DoubleDouble, cos, exp, exp_m1, ln, ln_1p, normal_cdf, power, sin, tanh};

/// A case: the function's name, its arguments, and the true result as a sum of two doubles.
struct Case {
    name: &'static str,
    arguments: Vec<f64>,
    result: (f64, f64),
}

fn cases() -> impl Iterator<Item = Case> {
    include_str!("references.txt").lines().map(|line| {
        let mut words = line.split(' ');
        let name = words.next().unwrap();
        let mut numbers: Vec<f64> =
            words.map(|word| f64::from_bits(u64::from_str_radix(word, 16).unwrap())).collect();
        let low = numbers.pop().unwrap();
        let high = numbers.pop().unwrap();
        Case { name, arguments: numbers, result: (high, low) }
    })
}

fn value(case: &Case) -> f64 {
    let x = case.arguments[0];
    match case.name {
        "exp" => exp(x),
        "ln" => ln(x),
        "exp_m1" => exp_m1(x),
        "ln_1p" => ln_1p(x),
        "normal_cdf" => normal_cdf(x),
        "sin" => sin(x),
        "cos" => cos(x),
        "tanh" => tanh(x),
        "power" => power(x, case.arguments[1] as u64),
        other => panic!("there is no function {other}"),
    }
}

/// The distance of a number from its neighbours: those of `f64`, or of `f32`.
fn ulp(of: f64, digits: i32, least: i32) -> f64 {
    let exponent = ((of.abs().to_bits() >> 52) as i32 - 1023).max(least);
    let exponent = exponent - digits + 1;
    // In two steps: the least of them is subnormal.
    let half = exponent / 2;
    f64::from_bits(((half + 1023) as u64) << 52) * f64::from_bits(((exponent - half + 1023) as u64) << 52)
}

/// How far a value is from the true result, in units of the last place of `f64`.
fn error(case: &Case, found: f64) -> f64 {
    ((found - case.result.0) - case.result.1).abs() / ulp(case.result.0, 53, -1022)
}

#[test]
fn the_hyperbolic_tangent_of_32_digits_is_within_its_bound() {
    let mut checked = 0;
    for case in cases().filter(|case| case.name == "tanh") {
        let found = DoubleDouble::from(case.arguments[0]).tanh();
        let off = ((found.high() - case.result.0) + (found.low() - case.result.1)).abs();
        // 2^−96.
        assert!(off <= 1.3e-29 * case.result.0.abs(), "tanh {:e}: {off:e}", case.arguments[0]);
        checked += 1;
    }
    assert!(checked > 100, "{checked}");
}

#[test]
fn every_function_is_within_its_bound() {
    for (name, bound) in [
        ("exp", 0.6),
        ("ln", 1.0),
        ("sin", 1.0),
        ("cos", 1.0),
        ("tanh", 2.0),
        ("power", 0.6),
        ("exp_m1", 1.5),
        ("ln_1p", 1.5),
        ("normal_cdf", 8.0),
    ] {
        let mut worst = (0.0, Vec::new());
        let mut count = 0;
        for case in cases().filter(|case| case.name == name) {
            // A power of zero size may be anything: beside 1 it is nothing.
            if name == "power" && case.result.0 < 1e-280 {
                assert!(value(&case) <= 1e-280);
                continue;
            }
            let found = error(&case, value(&case));
            assert!(!found.is_nan(), "{name}{:?} is {}", case.arguments, value(&case));
            count += 1;
            if found > worst.0 {
                worst = (found, case.arguments);
            }
        }
        println!("{name}: {:.3} ulp at most, at {:?}, of {count}", worst.0, worst.1);
        assert!(worst.0 < bound, "{name}{:?} is {} ulp off", worst.1, worst.0);
        assert!(count > 80, "{name}: {count} cases");
    }
}

#[test]
fn rounded_to_single_precision_all_of_them_are_within_one_ulp() {
    for case in cases() {
        let single = f64::from(value(&case) as f32);
        if single.is_infinite() {
            continue;
        }
        let error = ((single - case.result.0) - case.result.1).abs() / ulp(case.result.0, 24, -126);
        assert!(error < 0.500_001, "{}{:?} is {error} ulp off", case.name, case.arguments);
    }
}

#[test]
fn edges_are_those_of_the_functions() {
    assert!([exp, ln, sin, cos, tanh].iter().all(|function| function(f64::NAN).is_nan()));
    assert_eq!([exp(f64::INFINITY), exp(710.0), exp(709.8)], [f64::INFINITY; 3]);
    assert_eq!([exp(f64::NEG_INFINITY), exp(-746.0)], [0.0; 2]);
    assert_eq!([exp(0.0), exp(-0.0), cos(0.0), power(0.5, 0), power(0.0, 0)], [1.0; 5]);
    assert_eq!(exp(-745.0), 5e-324);
    assert_eq!([ln(0.0), ln(-0.0)], [f64::NEG_INFINITY; 2]);
    assert!(ln(-1.0).is_nan() && ln(f64::NEG_INFINITY).is_nan());
    assert_eq!((ln(1.0), ln(f64::INFINITY)), (0.0, f64::INFINITY));
    assert!([sin, cos].iter().all(|function| function(f64::INFINITY).is_nan()));
    for odd in [sin, tanh] {
        assert_eq!((odd(-0.0).to_bits(), odd(0.0).to_bits()), ((-0.0_f64).to_bits(), 0));
        for case in cases().filter(|case| case.arguments.len() == 1) {
            assert_eq!(odd(-case.arguments[0]).to_bits(), (-odd(case.arguments[0])).to_bits());
        }
    }
    assert_eq!([tanh(f64::INFINITY), tanh(-700.0)], [1.0, -1.0]);
    assert!([exp_m1, ln_1p, normal_cdf].iter().all(|function| function(f64::NAN).is_nan()));
    assert_eq!([exp_m1(f64::NEG_INFINITY), exp_m1(f64::INFINITY), exp_m1(0.0)], [-1.0, f64::INFINITY, 0.0]);
    assert_eq!([ln_1p(-1.0), ln_1p(f64::INFINITY), ln_1p(0.0)], [f64::NEG_INFINITY, f64::INFINITY, 0.0]);
    assert!(ln_1p(-1.5).is_nan());
    assert_eq!([normal_cdf(f64::NEG_INFINITY), normal_cdf(f64::INFINITY), normal_cdf(0.0)], [0.0, 1.0, 0.5]);
    assert_eq!(
        [power(0.9, u64::MAX), power(0.0, 3), power(1e-200, 2), power(1.0, u64::MAX)],
        [0.0, 0.0, 0.0, 1.0]
    );
}

/// The bits themselves: what no machine and no compiler may change.
#[test]
fn the_bits_are_these() {
    let bits = |values: &[f64]| -> u64 {
        values.iter().fold(0, |sum: u64, value| sum.rotate_left(7) ^ value.to_bits())
    };
    for (name, expected) in [
        ("exp", 0x388a_c92b_ba40_bb84),
        ("ln", 0xdbd9_f729_0486_650e),
        ("sin", 0x69ab_4c95_cc6b_d69b),
        ("cos", 0xf408_13b8_803f_cd4f),
        ("tanh", 0xd922_b182_e6c6_2efb),
        ("power", 0x886f_cc16_5a60_cf8c),
        ("exp_m1", 0x5569_d07e_dbd3_360c),
        ("ln_1p", 0xc108_4868_dbdd_4e01),
        ("normal_cdf", 0x7f46_df3a_b4cc_d9a3),
    ] {
        let values: Vec<f64> = cases().filter(|case| case.name == name).map(|case| value(&case)).collect();
        assert_eq!(bits(&values), expected, "{name}: {:#018x}", bits(&values));
    }
}
