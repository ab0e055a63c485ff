//! The functions of a number that layers have between them, one file each.

mod elu;
mod gelu;
mod hardtanh;
mod identity;
mod leaky_relu;
mod sigmoid;
mod silu;
mod sine;
mod softplus;
mod tanh;

pub use elu::Elu;
pub use gelu::Gelu;
pub use hardtanh::Hardtanh;
pub use identity::Identity;
pub use leaky_relu::LeakyRelu;
pub use sigmoid::Sigmoid;
pub use silu::Silu;
pub use sine::Sine;
pub use softplus::Softplus;
pub use tanh::Tanh;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::operation::Float;
    use crate::network::operations::elementwise::{Elementwise, ScalarFunction};
    use crate::network::same_bytes::{TRAINING, check_same_bytes, singles};
    use crate::network::testing::Case;

    fn check<F: ScalarFunction<f64>, G: ScalarFunction<f32>>(function: F, single: G) {
        let mut case = Case::random(3, move || Box::new(Elementwise { size: 7, function }));
        // Away from kinks, and farther than where they are.
        case.input.iter_mut().for_each(|x| *x *= 3.1);
        case.check();
        let mut input: Vec<f32> = singles(1, 80_000).into_iter().map(|x| 8.0 * x).collect();
        input[..7].copy_from_slice(&[0.0, -0.0, 1.0, -1.0, 300.0, -300.0, 1e-30]);
        check_same_bytes(&input, TRAINING, || Box::new(Elementwise { size: 16, function: single }));
        for x in singles(5, 2_000).into_iter().map(|x| 8.0 * x) {
            let (found, expected) = (f64::from(single.value(x)), function.value(f64::from(x)));
            assert!(
                (found - expected).abs() <= 2e-6 * expected.abs().max(1.0),
                "{x}: {found} against {expected}"
            );
        }
    }

    fn same<F: ScalarFunction<f64> + ScalarFunction<f32>>(function: F) {
        check(function, function);
    }

    #[test]
    fn derivatives_are_those_of_the_values_with_the_same_bytes_everywhere() {
        same(Identity);
        same(Gelu);
        same(Silu);
        same(Tanh);
        same(Sigmoid);
        same(Softplus);
        same(Hardtanh);
        check(LeakyRelu { slope: 0.3 }, LeakyRelu { slope: 0.3 });
        check(Elu { alpha: 0.7 }, Elu { alpha: 0.7 });
        check(Sine { frequency: 2.5 }, Sine { frequency: 2.5 });
    }

    #[test]
    fn a_number_that_is_none_stays_so() {
        fn stays<T: Float>(function: impl ScalarFunction<T>) {
            assert!(function.value(T::from_f64(f64::NAN)).is_nan());
        }
        stays::<f32>(Gelu);
        stays::<f32>(Silu);
        stays::<f32>(Tanh);
        stays::<f32>(Softplus);
        stays::<f32>(Hardtanh);
        stays::<f32>(Elu { alpha: 1.0 });
        stays::<f32>(LeakyRelu { slope: 0.0 });
    }
}
