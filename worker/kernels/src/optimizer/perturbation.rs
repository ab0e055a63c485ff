//! The ascent of sharpness-aware minimisation.

use candle_core::{Device, Result, Tensor, Var, WithDType, bail};

use super::gradients::{Gradient, Gradients};
use crate::element::{Elements, with_float};
use crate::norm;

/// Added to the norm, as implementations of SAM do.
const EPSILON: f64 = 1e-12;
/// Added to the sizes of weights of the adaptive form (Kwon et al. 2021, section 4).
const ETA: f64 = 0.01;

/// A step of length ρ along the gradient, to where the loss is about the largest of the neighbourhood: ε = ρg / ‖g‖₂ (Foret et al. 2021,
/// arXiv 2010.01412, equation 2). Adaptive: ε = ρT²g / ‖Tg‖₂, T being |θ| + 0.01 for parameters of two or more dimensions and 1 for others
/// (Kwon et al. 2021, arXiv 2102.11600, algorithm 1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Perturbation {
    /// ρ, above zero.
    pub rho: f64,
    /// Whether the neighbourhood is measured in units of the weights.
    pub adaptive: bool,
}

/// Weights as they were before a perturbation.
pub struct UnperturbedWeights(Vec<(Var, Tensor)>);

impl Perturbation {
    /// Moves the parameters along their gradients; gives them as they were before.
    ///
    /// # Errors
    /// If a parameter has no gradient.
    pub fn apply<'a>(
        self,
        parameters: impl IntoIterator<Item = &'a Var>,
        gradients: &dyn Gradients,
    ) -> Result<UnperturbedWeights> {
        let mut kept = Vec::new();
        let mut directions = Vec::new();
        let mut squares = 0.0;
        for parameter in parameters {
            let before = parameter.as_detached_tensor().copy()?;
            let (direction, square) = with_float!(parameter.dtype(), "a perturbation", T => {
                self.direction::<T>(&before, gradients.of(parameter))
            })?;
            squares += square;
            directions.push(direction);
            kept.push((parameter.clone(), before));
        }
        let scale = self.rho / (squares.sqrt() + EPSILON);
        for ((parameter, before), direction) in kept.iter().zip(directions) {
            let (weights, direction) = (Elements::of(before), Elements::of(&direction));
            let moved = with_float!(parameter.dtype(), "a perturbation", T => {
                let scale = T::from_f64(scale);
                let moved = weights.as_slice::<T>()?.iter().zip(direction.as_slice::<T>()?);
                let moved: Vec<T> = moved.map(|(weight, direction)| *weight + scale * *direction).collect();
                Tensor::from_vec(moved, parameter.shape(), &Device::Cpu)
            })?;
            parameter.set(&moved)?;
        }
        Ok(UnperturbedWeights(kept))
    }

    /// Where parameters of any device are moved to, along their gradients in the same order.
    ///
    /// # Errors
    /// If the device fails.
    #[expect(
        clippy::disallowed_methods,
        reason = "bytes are promised on processors alone: here a device sums as it likes"
    )]
    pub fn moved(self, parameters: &[Tensor], gradients: &[Tensor]) -> Result<Vec<Tensor>> {
        let mut directions = Vec::with_capacity(parameters.len());
        let mut squares = Vec::with_capacity(parameters.len());
        for (weights, gradient) in parameters.iter().zip(gradients) {
            let size = (self.adaptive && weights.rank() > 1).then(|| weights.abs()? + ETA).transpose()?;
            let scale = |of: &Tensor| size.as_ref().map_or_else(|| Ok(of.clone()), |size| of * size);
            let scaled = scale(gradient)?;
            squares.push(scaled.sqr()?.sum_all()?);
            directions.push(scale(&scaled)?);
        }
        let norm = Tensor::stack(&squares, 0)?.sum_all()?.sqrt()?;
        let scale = ((norm + EPSILON)?.recip()? * self.rho)?;
        let moved = parameters.iter().zip(directions);
        moved.map(|(weights, direction)| weights + direction.broadcast_mul(&scale)?).collect()
    }

    /// T²g, and ‖Tg‖₂².
    fn direction<T: crate::vector::Dispatch>(
        self,
        weights: &Tensor,
        gradient: Option<Gradient<'_>>,
    ) -> Result<(Tensor, f64)> {
        let Some(gradient) = gradient else { bail!("a parameter received no gradient") };
        let mut scaled: Vec<T> = match gradient {
            Gradient::Elements(elements) => elements.iter().map(|of| T::from_f64(f64::from(*of))).collect(),
            Gradient::Tensor(tensor) => tensor.flatten_all()?.to_vec1()?,
        };
        let weights = Elements::of(weights);
        let sizes: Option<Vec<T>> = (self.adaptive && weights.rank() > 1)
            .then(|| {
                let sizes = weights.as_slice::<T>()?.iter();
                Ok::<_, candle_core::Error>(
                    sizes.map(|weight| T::from_f64(weight.to_f64().abs() + ETA)).collect(),
                )
            })
            .transpose()?;
        let scale = |scaled: &mut Vec<T>| {
            for (scaled, size) in scaled.iter_mut().zip(sizes.iter().flatten()) {
                *scaled *= *size;
            }
        };
        scale(&mut scaled);
        let square = norm::squares(&scaled);
        scale(&mut scaled);
        let length = scaled.len();
        Ok((Tensor::from_vec(scaled, length, &Device::Cpu)?, square))
    }
}

impl UnperturbedWeights {
    /// Puts the weights back, bit for bit.
    ///
    /// # Errors
    /// If an operation fails.
    pub fn restore(self) -> Result<()> {
        for (parameter, before) in self.0 {
            parameter.set(&before)?;
        }
        Ok(())
    }
}
