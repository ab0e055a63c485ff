//! Shared by several tests: repeatable numbers, and plain references to compare with.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(dead_code)]

pub(crate) mod network;
pub(crate) mod plain;

use std::sync::{Mutex, MutexGuard, PoisonError};

use basin_kernels::optimizer::{AdamRule, LionRule, MuonRule, RmsPropRule, Rule, SgdRule};
use basin_kernels::{CodePath, force_code_path};
use candle_core::{DType, Device, Tensor, Var};

/// The code path belongs to the process: tests whose operations use it take turns.
static TURN: Mutex<()> = Mutex::new(());

/// The right to compute on the fastest code path, which no other test of the file changes meanwhile.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `check` on every code path that this machine has, and says which it has not.
#[allow(clippy::print_stderr)]
pub(crate) fn on_each_path(mut check: impl FnMut(&'static str)) {
    let _turn = turn();
    for path in CodePath::ALL {
        let _name = NamedOnPanic(path);
        if force_code_path(path) {
            check(basin_kernels::code_path());
        } else {
            eprintln!("NOT RUN on {}: this machine lacks it", path.name());
        }
    }
    assert!(CodePath::ALL.into_iter().find(|path| path.is_available()).is_some_and(force_code_path));
}

/// Says on which path a check failed, whatever failed in it.
struct NamedOnPanic(CodePath);

impl Drop for NamedOnPanic {
    #[allow(clippy::print_stderr)]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this failed on the code path {}", self.0.name());
        }
    }
}

/// Fewer or smaller where an interpreter runs the tests, which takes a thousand times as long.
pub(crate) fn smaller_under_miri<T>(usual: T, small: T) -> T {
    if cfg!(miri) { small } else { usual }
}

/// How many random cases a property is tried on, unless `PROPTEST_CASES` says how many.
pub(crate) fn cases(usual: u32) -> proptest::test_runner::Config {
    let mut config = proptest::test_runner::Config::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = smaller_under_miri(usual, 2);
    }
    if cfg!(miri) {
        config.failure_persistence = None;
    }
    config
}

/// SplitMix64 (Steele, Lea and Flood 2014): short, and the same on every machine.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next_bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform within ±1.
    pub(crate) fn value(&mut self) -> f64 {
        (self.next_bits() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    pub(crate) fn values(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.value()).collect()
    }

    pub(crate) fn var(&mut self, dims: &[usize]) -> Var {
        Var::from_vec(self.values(dims.iter().product()), dims, &Device::Cpu).unwrap()
    }

    /// Multiples of 1/16 within ±1: sums of thousands of their products are exact in single precision too, in any order and
    /// fused or not, so that a kernel must give what the definition gives, bit for bit.
    pub(crate) fn coarse(&mut self, dims: &[usize]) -> Tensor {
        let count = dims.iter().product();
        let values: Vec<f64> = self.values(count).into_iter().map(|v| (v * 16.0).round() / 16.0).collect();
        Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
    }

    pub(crate) fn tensor(&mut self, dims: &[usize]) -> Tensor {
        Tensor::from_vec(self.values(dims.iter().product()), dims, &Device::Cpu).unwrap()
    }
}

/// The bits of a tensor's elements, to compare results byte by byte.
pub(crate) fn bits(tensor: &Tensor) -> Vec<u64> {
    match tensor.dtype() {
        DType::F32 => tensor
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap()
            .into_iter()
            .map(|v| u64::from(v.to_bits()))
            .collect(),
        _ => tensor.flatten_all().unwrap().to_vec1::<f64>().unwrap().into_iter().map(f64::to_bits).collect(),
    }
}

/// The bits of numbers.
pub(crate) fn bits_of(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

pub(crate) fn doubles(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// A variable of single precision with these values.
pub(crate) fn single(tensor: &Tensor) -> Var {
    Var::from_tensor(&tensor.to_dtype(DType::F32).unwrap()).unwrap()
}

/// Asserts that all numbers are equal; a zero's sign doesn't count.
pub(crate) fn assert_equal(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(found == expected, "{what}: element {index}: {found} against {expected}");
    }
}

/// Asserts that all numbers are within their bounds of what is expected.
pub(crate) fn assert_within(what: &str, found: &[f64], expected: &[f64], bounds: &[f64]) {
    assert_eq!((found.len(), bounds.len()), (expected.len(), expected.len()), "{what}");
    for (index, ((found, expected), bound)) in found.iter().zip(expected).zip(bounds).enumerate() {
        assert!(
            (found - expected).abs() <= *bound,
            "{what}: element {index}: {found} against {expected}, more than {bound:e} away"
        );
    }
}

/// Unit roundoff of single precision.
pub(crate) const ROUNDOFF: f64 = 1.0 / (1 << 24) as f64;

/// γ_n = nu / (1 − nu): a sum of n products in single precision, in any order and fused or not, is within γ_n · Σ |product| of
/// the exact one (Higham 2002, *Accuracy and Stability of Numerical Algorithms*, equation 3.3).
pub(crate) fn gamma(products: usize) -> f64 {
    let error = products as f64 * ROUNDOFF;
    error / (1.0 - error)
}

/// Makes a rule.
pub(crate) type MakeRule = fn() -> Box<dyn Rule>;

/// Every rule with every option, with settings far from defaults.
pub(crate) fn rules() -> Vec<(&'static str, MakeRule)> {
    const SGD: SgdRule =
        SgdRule { learning_rate: 0.05, momentum: 0.9, dampening: 0.0, nesterov: false, weight_decay: 0.01 };
    const ADAM: AdamRule = AdamRule {
        learning_rate: 0.01,
        beta1: 0.8,
        beta2: 0.99,
        epsilon: 1e-6,
        weight_decay: 0.1,
        decoupled: false,
    };
    const ADAM_W: AdamRule = AdamRule { decoupled: true, ..ADAM };
    const RMS_PROP: RmsPropRule = RmsPropRule {
        learning_rate: 0.01,
        rho: 0.9,
        epsilon: 1e-6,
        momentum: 0.0,
        centered: false,
        weight_decay: 0.01,
    };
    fn muon(nesterov: bool, others: Box<dyn Rule>) -> Box<dyn Rule> {
        Box::new(MuonRule {
            learning_rate: 0.02,
            momentum: 0.95,
            nesterov,
            weight_decay: 0.1,
            iterations: 5,
            normalized: false,
            others,
        })
    }
    vec![
        ("sgd", || Box::new(SGD)),
        ("sgd_dampened", || Box::new(SgdRule { dampening: 0.5, ..SGD })),
        ("sgd_nesterov", || Box::new(SgdRule { nesterov: true, ..SGD })),
        ("sgd_plain", || Box::new(SgdRule { momentum: 0.0, ..SGD })),
        ("adam_decay", || Box::new(ADAM)),
        ("adamw", || Box::new(ADAM_W)),
        ("rmsprop", || Box::new(RMS_PROP)),
        ("rmsprop_centered", || Box::new(RmsPropRule { centered: true, ..RMS_PROP })),
        ("rmsprop_momentum", || Box::new(RmsPropRule { momentum: 0.9, ..RMS_PROP })),
        ("rmsprop_both", || Box::new(RmsPropRule { momentum: 0.9, centered: true, ..RMS_PROP })),
        ("lion", || Box::new(LionRule { learning_rate: 1e-3, beta1: 0.9, beta2: 0.99, weight_decay: 0.1 })),
        ("muon", || muon(true, Box::new(ADAM_W))),
        ("muon_sgd", || muon(false, Box::new(SGD))),
    ]
}
