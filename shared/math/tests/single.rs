//! The functions in single precision against those in double precision, over all sizes of numbers.

use basin_math::single;

/// Every so many of all numbers: a prime.
const STRIDE: usize = if cfg!(miri) { 49_999_991 } else { 4_099 };

/// The largest error of a function over an interval, in units of the last place, and where it is.
fn worst(
    interval: std::ops::RangeInclusive<f32>,
    found: fn(f32) -> f32,
    expected: fn(f64) -> f64,
    weight: fn(f64) -> f64,
) -> (f64, f32) {
    let mut worst = (0.0, 0.0);
    for bits in (0..=u32::MAX).step_by(STRIDE) {
        let x = f32::from_bits(bits);
        if !interval.contains(&x) {
            continue;
        }
        let (found, expected) = (f64::from(found(x)), expected(f64::from(x)));
        let exponent = ((expected.abs().to_bits() >> 52) as i32 - 1023).max(-126);
        let ulp = f64::from_bits(((exponent - 23 + 1023) as u64) << 52);
        let error = (found - expected).abs() / ulp / weight(f64::from(x));
        assert!(!error.is_nan(), "{x:e}: {found} against {expected}");
        if error > worst.0 {
            worst = (error, x);
        }
    }
    worst
}

fn normal_cdf(x: f32) -> f32 {
    single::normal(x).0
}

fn normal_density(x: f32) -> f32 {
    single::normal(x).1
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + basin_math::exp(-x))
}

#[test]
fn every_function_is_within_its_bound() {
    type Function = (&'static str, f32, f32, fn(f32) -> f32, fn(f64) -> f64, fn(f64) -> f64, f64);
    let functions: [Function; 7] = [
        ("exp", -103.0, 88.7, single::exp, basin_math::exp, |_| 1.0, 1.5),
        ("exp_m1", f32::MIN, 88.7, single::exp_m1, basin_math::exp_m1, |_| 1.0, 2.0),
        ("ln_1p", 0.0, 1.0, single::ln_1p, basin_math::ln_1p, |_| 1.0, 2.0),
        ("tanh", f32::MIN, f32::MAX, single::tanh, basin_math::tanh, |_| 1.0, 3.0),
        ("sigmoid", -87.0, f32::MAX, single::sigmoid, sigmoid, |_| 1.0, 3.0),
        (
            "normal_cdf",
            -14.0,
            f32::MAX,
            normal_cdf,
            basin_math::normal_cdf,
            |x| 10.0 + if x < 0.0 { x * x } else { 0.0 },
            1.0,
        ),
        ("normal_density", -14.0, 14.0, normal_density, basin_math::normal_density, |x| 3.0 + x * x, 1.0),
    ];
    for (name, least, greatest, found, expected, weight, bound) in functions {
        let (error, at) = worst(least..=greatest, found, expected, weight);
        println!("{name}: {error:.3} of {bound} at {at:e}");
        assert!(error < bound, "{name}({at:e}) is {error} off");
    }
}

#[test]
fn the_normal_distribution_is_within_three_ten_millionths() {
    for bits in (0..=u32::MAX).step_by(STRIDE) {
        let x = f32::from_bits(bits);
        let error = (f64::from(normal_cdf(x)) - basin_math::normal_cdf(f64::from(x))).abs();
        assert!(error < 3e-7 || x.is_nan(), "{x:e}");
    }
}

#[test]
fn edges_are_those_of_the_functions() {
    let (infinite, none) = (f32::INFINITY, f32::NAN);
    for function in [single::exp, single::exp_m1, single::tanh, single::sigmoid, normal_cdf, normal_density] {
        assert!(function(none).is_nan());
    }
    assert_eq!([single::exp(infinite), single::exp(89.5), single::exp_m1(1e30)], [infinite; 3]);
    assert_eq!([single::exp(-infinite), single::exp(-104.5), normal_cdf(-infinite)], [0.0; 3]);
    assert_eq!([single::exp(0.0), single::exp(-0.0), single::tanh(infinite), normal_cdf(infinite)], [1.0; 4]);
    assert_eq!([single::exp_m1(-infinite), single::tanh(-infinite)], [-1.0; 2]);
    assert_eq!(
        [single::sigmoid(-infinite), single::sigmoid(infinite), single::sigmoid(0.0)],
        [0.0, 1.0, 0.5]
    );
    assert_eq!(
        (single::exp_m1(0.0), single::ln_1p(0.0), single::tanh(-0.0).to_bits()),
        (0.0, 0.0, (-0.0_f32).to_bits())
    );
    assert_eq!(normal_density(infinite), 0.0);
}

/// The bits themselves: what no machine and no compiler may change.
#[test]
fn the_bits_are_these() {
    type Function = fn(f32) -> f32;
    let functions: [(Function, u32); 7] = [
        (single::exp, 0x928b_82aa),
        (single::exp_m1, 0xf20c_5054),
        (single::ln_1p, 0xb302_029a),
        (single::tanh, 0x8bab_1ca0),
        (single::sigmoid, 0x164f_b50f),
        (normal_cdf, 0x3dd2_7316),
        (normal_density, 0xe7c8_acc2),
    ];
    let found = functions.map(|(function, _)| {
        (0..2_000).fold(0_u32, |sum, index| sum.rotate_left(7) ^ function(index as f32 * 0.0005).to_bits())
    });
    assert_eq!(found, functions.map(|(_, expected)| expected), "{found:#010x?}");
}
