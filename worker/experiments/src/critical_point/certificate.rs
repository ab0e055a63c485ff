//! A certificate: how far the nearest true critical point is at most, or that there is no telling.
//!
//! By the theorem of Newton and Kantorovich (Kantorovich 1948; Ortega 1968, "The Newton–Kantorovich theorem"): with ‖F′(0)⁻¹‖ ≤ β, ‖F′(0)⁻¹F(0)‖ ≤ η,
//! and F′ changing by at most L·‖y − y′‖, F has exactly one zero within t = 2η/(1 + √(1 − 2h)) of 0 if h = βηL ≤ 1/2. F is here the gradient's
//! part in the span P of the eigenvectors of H whose eigenvalues aren't zero, along P: F(y) = Pᵀg(θ + Py), whose derivative at 0 is their
//! diagonal matrix. If no eigenvalue is zero, P is everything, and the zero of F is a critical point. Otherwise the gradient's part along the others
//! is left, and has to be nothing at that zero to 24 digits: so it is on a valley or a ridge of critical points (Morse and Bott), and so it isn't where a
//! gradient fades away.
//!
//! Of these, L is a bound ([`DerivativeBounds`]) and g is exact to 32 digits; the spectrum's error is measured ([`Spectrum::error`]), that of the
//! elements of H is allowed for generously, without proof ([`rounding_of_hessian`]). Since L·t < 1/β, no eigenvalue of P changes its sign
//! on the way to the zero: it has the signs that are counted here.

use basin_math::DoubleDouble;
use nalgebra::DMatrix;

use super::derivative_bounds::DerivativeBounds;
use super::exact_gradient::ExactGradient;
use super::network::Network;
use super::points::norm;
use super::spectrum::Spectrum;
use super::workspace::Workspace;

/// Newton's steps in double-doubles, at most.
const MOST_STEPS: usize = 8;
/// The gradient that may be left along flat directions, in ‖H‖‖θ‖: 2^−80.
const NOTHING: f64 = 1.0 / ((1_u128 << 80) as f64);

/// The memory that certificates are computed in.
pub(super) struct Certifier<'a> {
    pub(super) network: &'a Network,
    pub(super) workspace: &'a mut Workspace,
    pub(super) exact: &'a mut ExactGradient,
}

/// What is certain of a point, and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Certificate {
    /// The Newton decrement √(gᵀ|H|⁻¹g), over P: half of its square is the change of the loss that the model predicts, if H is definite.
    pub(super) decrement: f64,
    /// η: the length of Newton's step, over P.
    pub(super) step: f64,
    /// L.
    pub(super) lipschitz: f64,
    /// h; at most 1/2 where there is a zero.
    pub(super) h: f64,
    /// t: the distance of the zero, at most; infinite if h is above 1/2.
    pub(super) distance: f64,
    /// The gradient's norm along the other eigenvectors, at the zero; 0 if there are none.
    pub(super) remaining: f64,
    /// Whether that is nothing.
    pub(super) is_flat: bool,
    /// The exact gradient's norm at θ.
    pub(super) gradient: f64,
}

impl Certificate {
    /// Whether there is a critical point within the distance.
    pub(super) fn holds(&self) -> bool {
        self.distance.is_finite() && self.is_flat
    }
}

impl Certifier<'_> {
    /// The certificate of θ with its Hessian; an eigenvalue of magnitude up to `zero` times the largest counts as zero.
    pub(super) fn certify(
        &mut self,
        theta: &[f64],
        hessian: &DMatrix<f64>,
        spectrum: &Spectrum,
        zero: f64,
    ) -> Certificate {
        let exact = self.exact.at(self.network, theta);
        let slopes = spectrum.coordinates(&exact);
        let counts: Vec<bool> = spectrum.values().map(|value| value.abs() > zero * spectrum.norm()).collect();
        let (mut decrement, mut squares, mut least) = (0.0, 0.0, f64::INFINITY);
        for ((value, slope), _) in spectrum.values().zip(&slopes).zip(&counts).filter(|(_, counts)| **counts)
        {
            decrement += slope * slope / value.abs();
            squares += (slope / value) * (slope / value);
            least = least.min(value.abs());
        }
        let (gradient, newton) = (norm(&exact), squares.sqrt());
        // Twice Newton's step is as far as the zero can be; a little farther, since the step has errors too.
        let bounds = DerivativeBounds::of(self.network, theta, 3.0 * newton, self.workspace);
        let error = spectrum.error(hessian) + rounding_of_hessian(self.network, bounds.second);
        let beta = if least > error { 1.0 / (least - error) } else { f64::INFINITY };
        let count = slopes.len() as f64;
        let step = if gradient == 0.0 {
            0.0
        } else {
            newton * (1.0 + beta * error) + 4.0 * count * f64::EPSILON * beta * gradient
        };
        let h = if step == 0.0 || bounds.third == 0.0 { 0.0 } else { beta * step * bounds.third };
        let distance = if h <= 0.5 && beta.is_finite() && step <= 1.5 * newton {
            2.0 * step / (1.0 + (1.0 - 2.0 * h).sqrt())
        } else {
            f64::INFINITY
        };
        let remaining = self.remaining(theta, spectrum, &counts);
        Certificate {
            decrement: decrement.sqrt(),
            step,
            lipschitz: bounds.third,
            h,
            distance,
            remaining,
            is_flat: remaining <= NOTHING * spectrum.norm() * norm(theta),
            gradient,
        }
    }

    /// The gradient's norm along the eigenvectors that don't count, where its part along the others is zero to 32 digits: by the
    /// simplified Newton method, whose matrix stays that of θ.
    fn remaining(&mut self, theta: &[f64], spectrum: &Spectrum, counts: &[bool]) -> f64 {
        if counts.iter().all(|counts| *counts) {
            return 0.0;
        }
        let mut at: Vec<DoubleDouble> = theta.iter().copied().map(DoubleDouble::from).collect();
        let (mut before, mut remaining) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..MOST_STEPS {
            let slopes = spectrum.coordinates(&self.exact.at_exactly(self.network, &at));
            let part = |counted: bool| -> Vec<f64> {
                let of = |(slope, counts): (&f64, &bool)| if *counts == counted { *slope } else { 0.0 };
                slopes.iter().zip(counts).map(of).collect()
            };
            let size = norm(&part(true));
            if size > 0.5 * before || size.is_nan() {
                break;
            }
            (before, remaining) = (size, norm(&part(false)));
            if size == 0.0 {
                break;
            }
            let steps: Vec<f64> = part(true)
                .iter()
                .zip(spectrum.values())
                .map(|(slope, value)| if *slope == 0.0 { 0.0 } else { -slope / value })
                .collect();
            for (parameter, step) in at.iter_mut().zip(spectrum.vector(&steps)) {
                *parameter += DoubleDouble::from(step);
            }
        }
        remaining
    }
}

/// An allowance for the rounding of the elements of H, as a bound of the error's norm: as many roundings as a term passes through, each of the
/// size that `second` bounds the terms' sum by. Not proven; a test holds it against a Hessian of twice the precision.
fn rounding_of_hessian(network: &Network, second: f64) -> f64 {
    let widths: usize = network.layers().iter().map(|layer| layer.inputs + 2).sum();
    (network.points() as f64 / 4.0 + 8.0 * (widths as f64 + 2.0)) * f64::EPSILON * second
}

#[cfg(test)]
mod tests {
    use basin_domain::experiment::Activation;

    use super::*;

    fn network(hidden: &[u32], activation: Activation) -> Network {
        let inputs: Vec<f64> = (0..30).map(|index| f64::from(index) * 0.2 - 3.0).collect();
        let targets = inputs.iter().map(|x| x.sin()).collect();
        Network::new(hidden, activation, inputs, targets).unwrap()
    }

    fn certified(network: &Network, theta: &[f64]) -> Certificate {
        let (mut workspace, mut exact) = (Workspace::new(network), ExactGradient::new(network));
        let hessian = network.hessian(theta);
        let spectrum = Spectrum::of(&hessian);
        let mut certifier = Certifier { network, workspace: &mut workspace, exact: &mut exact };
        certifier.certify(theta, &hessian, &spectrum, 1e-10)
    }

    /// Differences of exact gradients: right to 10⁻¹⁷ or so.
    fn hessian_by_differences(network: &Network, theta: &[f64]) -> DMatrix<f64> {
        let (count, length) = (theta.len(), 1e-9);
        let column = |at: usize| -> Vec<f64> {
            let [after, before] = [1.0, -1.0].map(|side| {
                let mut moved: Vec<DoubleDouble> = theta.iter().copied().map(DoubleDouble::from).collect();
                moved[at] += DoubleDouble::from(side * length);
                let mut gradient = vec![DoubleDouble::default(); count];
                network.gradient_in(&moved, &mut Workspace::new(network), &mut gradient);
                gradient
            });
            let differences = after.into_iter().zip(before).map(|(after, before)| (after - before).high());
            differences.map(|difference| difference / (2.0 * length)).collect()
        };
        let columns: Vec<f64> = (0..count).flat_map(column).collect();
        DMatrix::from_vec(count, count, columns)
    }

    #[test]
    fn the_allowance_for_the_rounding_of_the_hessian_is_larger_than_its_error() {
        let mut most = 0.0_f64;
        for hidden in [&[3][..], &[12], &[5, 4]] {
            for activation in [Activation::Tanh, Activation::Linear] {
                let network = network(hidden, activation);
                for seed in 0..10 {
                    let theta: Vec<f64> = network.initial(seed).iter().map(|theta| 4.0 * theta).collect();
                    let off = network.hessian(&theta) - hessian_by_differences(&network, &theta);
                    let error = off.iter().map(|element| element * element).sum::<f64>().sqrt();
                    let second =
                        DerivativeBounds::of(&network, &theta, 0.0, &mut Workspace::new(&network)).second;
                    most = most.max(error / rounding_of_hessian(&network, second));
                }
            }
        }
        assert!(most < 0.25 && most > 1e-5, "{most}");
    }

    /// A linear model's one critical point is known, so is how far away it is.
    #[test]
    fn the_bound_of_a_quadratic_loss_is_the_distance_itself() {
        let network = network(&[], Activation::Tanh);
        let best = {
            let hessian = network.hessian(&[0.0, 0.0]);
            let gradient = network.gradient(&[0.0, 0.0]);
            let step = hessian.cholesky().unwrap().solve(&nalgebra::DVector::from_vec(gradient));
            [-step[0], -step[1]]
        };
        for distance in [1e-3, 1.0, 1e3] {
            let theta = [best[0] + 0.6 * distance, best[1] - 0.8 * distance];
            let certificate = certified(&network, &theta);
            assert!(certificate.holds() && certificate.h == 0.0, "{certificate:?}");
            assert!(certificate.distance >= distance * (1.0 - 1e-9), "{certificate:?}");
            assert!(certificate.distance <= distance * (1.0 + 1e-9), "{certificate:?}");
        }
    }

    #[test]
    fn where_nothing_is_near_there_is_no_certificate() {
        let network = network(&[3], Activation::Tanh);
        for seed in 0..20 {
            let certificate = certified(&network, &network.initial(seed));
            assert!(!certificate.holds() && certificate.distance.is_infinite(), "{seed}: {certificate:?}");
        }
    }

    #[test]
    fn a_valley_is_certified_where_its_gradient_is_zero_and_not_where_it_fades() {
        let inputs = vec![-2.0, -1.0, 0.0, 1.0, 2.0];
        let targets: Vec<f64> = inputs.iter().map(|x| f64::sin(*x)).collect();
        // All weights zero: a critical point by symmetry, at which the biases of the hidden units do nothing.
        let network = Network::new(&[3], Activation::Tanh, inputs.clone(), targets.clone()).unwrap();
        let certificate = certified(&network, &[0.0; 10]);
        assert!(certificate.holds() && certificate.distance < 1e-12, "{certificate:?}");
        // One saturated unit: its own weight has a slope of 10⁻¹⁷ or so, which no eigenvalue tells of.
        let network = Network::new(&[1], Activation::Tanh, inputs, targets).unwrap();
        let certificate = certified(&network, &[0.0, 20.0, 0.5, -0.5]);
        assert!(certificate.distance.is_finite() && !certificate.holds(), "{certificate:?}");
        assert!(certificate.remaining > 1e-19 && certificate.remaining < 1e-15, "{certificate:?}");
    }
}
