//! Bounds on gradients.

use candle_core::{Device, Result, Tensor, Var, WithDType};

use super::gradients::{Gradient, Gradients};

/// Added to the norm, as PyTorch's `clip_grad_norm_` does.
const EPSILON: f64 = 1e-6;

/// A bound on the gradients that a step takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clipping {
    /// Gradients are scaled by min(1, bound / (‖g‖₂ + 1e-6)), the norm being that over all parameters (Pascanu et al. 2013, arXiv 1211.5063;
    /// PyTorch's `clip_grad_norm_`).
    Norm(f64),
    /// Each element is brought into [−bound, bound].
    Value(f64),
}

/// What a bound does to each element of a gradient, whatever the others are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ElementBound {
    /// It is multiplied by this.
    Scale(f64),
    /// It is brought into [−bound, bound].
    Within(f64),
}

impl ElementBound {
    /// A gradient within the bound.
    pub(super) fn bounded<T: WithDType>(self, gradient: &[T]) -> Vec<T> {
        let mut bounded = gradient.to_vec();
        self.apply(&mut bounded);
        bounded
    }

    /// Bounds some elements.
    pub fn apply<T: WithDType>(self, gradient: &mut [T]) {
        match self {
            Self::Scale(scale) => {
                let scale = T::from_f64(scale);
                for element in gradient {
                    *element *= scale;
                }
            }
            Self::Within(bound) => {
                let (low, high) = (T::from_f64(-bound), T::from_f64(bound));
                for element in gradient {
                    if *element > high {
                        *element = high;
                    } else if *element < low {
                        *element = low;
                    }
                }
            }
        }
    }
}

impl Clipping {
    /// What the bound does to each element of a gradient; `norm` is ‖g‖₂ over all parameters.
    pub fn of_elements(self, norm: f64) -> ElementBound {
        match self {
            Self::Norm(bound) => ElementBound::Scale(scale(bound, norm)),
            Self::Value(bound) => ElementBound::Within(bound),
        }
    }

    /// Bounds the gradient of some parameters; `norm` is ‖g‖₂ over all.
    pub fn clip<T: WithDType>(self, norm: f64, gradient: &mut [T]) {
        self.of_elements(norm).apply(gradient);
    }

    /// The gradient of some parameters within the bound, on any device, whose rows are those of several networks; `norms` are ‖g‖₂ of each,
    /// or the one of all rows.
    ///
    /// # Errors
    /// If the device fails.
    pub fn clip_tensor(self, norms: &[f64], gradient: &Tensor) -> Result<Tensor> {
        match (self, norms) {
            (Self::Value(bound), _) => gradient.clamp(-bound, bound),
            (Self::Norm(bound), [norm]) => gradient * scale(bound, *norm),
            (Self::Norm(bound), norms) => {
                // A row whose norm isn't finite takes no step: its scale has no meaning.
                let scales: Vec<f64> = norms.iter().map(|&norm| scale(bound, norm)).collect();
                let scales = Tensor::from_vec(scales, (norms.len(), 1), &Device::Cpu)?;
                gradient.broadcast_mul(&scales.to_dtype(gradient.dtype())?.to_device(gradient.device())?)
            }
        }
    }
}

/// The factor of gradients of this norm.
fn scale(bound: f64, norm: f64) -> f64 {
    (bound / (norm + EPSILON)).min(1.0)
}

/// Gradients that a step brings within a bound while it goes along them: it has the bytes of one along gradients that were
/// [clipped](Clipping::clip) before it, and no pass over all of them, nor a copy, comes before it.
pub struct BoundedGradients<'a> {
    gradients: &'a dyn Gradients,
    bound: ElementBound,
}

impl<'a> BoundedGradients<'a> {
    /// These gradients, to be brought within the bound; `norm` is ‖g‖₂ over all parameters.
    pub fn new(clipping: Clipping, norm: f64, gradients: &'a dyn Gradients) -> Self {
        Self { gradients, bound: clipping.of_elements(norm) }
    }
}

impl Gradients for BoundedGradients<'_> {
    fn of(&self, parameter: &Var) -> Option<Gradient<'_>> {
        self.gradients.of(parameter)
    }

    fn bound(&self) -> Option<ElementBound> {
        Some(self.bound)
    }
}
