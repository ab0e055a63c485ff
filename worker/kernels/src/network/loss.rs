//! Losses of a network's outputs.

use candle_core::{Result, Tensor, WithDType, bail};

use super::operation::{Dual, Float};
use crate::element::Elements;
use crate::loss::{self, LossSums};

/// A loss of a network's outputs: a mean over a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// −log softmax(logits)\[label\], with labels `[batch]` of `u32`.
    CrossEntropy,
    /// −Σ q log softmax(logits) over the classes, q being 1 − `smoothing` at the label and `smoothing` / classes more everywhere,
    /// with labels `[batch]` of `u32` (Szegedy et al. 2016, arXiv 1512.00567, section 7; PyTorch's `CrossEntropyLoss`).
    SmoothedCrossEntropy {
        /// The share of a label's probability that all classes have alike, in [0, 1).
        smoothing: f64,
    },
    /// (output − one-hot vector of the label)², the mean over the classes, with labels `[batch]` of `u32` (PyTorch's `MSELoss` of one-hot
    /// targets).
    OneHotSquaredError,
    /// (output − target)², over all elements, with targets of the outputs' shape.
    MeanSquaredError,
    /// Over all elements half the square of d = output − target where |d| is at most `delta`, and `delta` (|d| − `delta` / 2) beyond it,
    /// with targets of the outputs' shape (Huber 1964; PyTorch's `HuberLoss`).
    Huber {
        /// Where the square ends; above 0.
        delta: f64,
    },
}

impl Loss {
    /// The sums over a batch of outputs `[batch, outputs]`.
    ///
    /// # Errors
    /// If the targets don't fit the outputs.
    pub fn sums<T: Float>(self, outputs: &[T], targets: &Tensor) -> Result<LossSums> {
        let elements = Elements::of(targets);
        match self {
            Self::CrossEntropy => {
                let labels = labels(outputs, &elements)?;
                loss::sums(outputs, labels, outputs.len() / labels.len())
            }
            Self::SmoothedCrossEntropy { smoothing } => {
                let labels = labels(outputs, &elements)?;
                loss::smoothed_sums(outputs, labels, outputs.len() / labels.len(), smoothing)
            }
            Self::OneHotSquaredError => {
                let labels = labels(outputs, &elements)?;
                loss::one_hot_squares(outputs, labels, outputs.len() / labels.len())
            }
            Self::MeanSquaredError => Ok(loss::squares(outputs, values(outputs, &elements)?)),
            Self::Huber { delta } => Ok(loss::huber(outputs, values(outputs, &elements)?, delta)),
        }
    }

    /// The gradient of the mean in the outputs, `[batch, outputs]`.
    ///
    /// # Errors
    /// If the targets don't fit the outputs.
    pub fn gradient<T: Float>(self, outputs: &[T], targets: &Tensor) -> Result<Vec<T>> {
        let elements = Elements::of(targets);
        let mut gradient = vec![T::default(); outputs.len()];
        match self {
            Self::CrossEntropy => {
                let labels = labels(outputs, &elements)?;
                let classes = outputs.len() / labels.len();
                loss::softmax_minus_one_hot(outputs, labels, classes, 1.0, &mut gradient);
            }
            Self::SmoothedCrossEntropy { smoothing } => {
                let labels = labels(outputs, &elements)?;
                let classes = outputs.len() / labels.len();
                loss::softmax_minus_smoothed(outputs, labels, classes, smoothing, &mut gradient);
            }
            Self::OneHotSquaredError => {
                let labels = labels(outputs, &elements)?;
                loss::one_hot_differences(outputs, labels, outputs.len() / labels.len(), &mut gradient);
            }
            Self::MeanSquaredError => {
                let scale = 2.0 / outputs.len() as f64;
                loss::scaled_differences(outputs, values(outputs, &elements)?, scale, &mut gradient);
            }
            Self::Huber { delta } => {
                loss::bounded_differences(outputs, values(outputs, &elements)?, delta, &mut gradient);
            }
        }
        Ok(gradient)
    }

    /// The gradient of the mean in the outputs, and its derivative along a tangent of the outputs.
    ///
    /// # Errors
    /// If the targets don't fit the outputs.
    pub fn gradient_along<T: Float>(self, outputs: &[T], targets: &Tensor, tangent: &[T]) -> Result<Dual<T>> {
        let gradient = self.gradient(outputs, targets)?;
        let elements = Elements::of(targets);
        let along = match self {
            Self::CrossEntropy | Self::SmoothedCrossEntropy { .. } => {
                let classes = outputs.len() / labels(outputs, &elements)?.len();
                loss::moved_softmax(outputs, tangent, classes, 1.0)
            }
            Self::Huber { delta } => {
                loss::moved_bounded_differences(outputs, values(outputs, &elements)?, tangent, delta)
            }
            Self::OneHotSquaredError | Self::MeanSquaredError => {
                let scale = 2.0 / outputs.len() as f64;
                tangent.iter().map(|tangent| T::from_f64(tangent.to_f64() * scale)).collect()
            }
        };
        Ok(Dual { gradient: Some(gradient), tangent: Some(along) })
    }
}

/// The labels of a batch of logits.
fn labels<'a, T>(outputs: &[T], targets: &'a Elements<'_>) -> Result<&'a [u32]> {
    let labels = targets.as_slice::<u32>()?;
    if labels.is_empty() || outputs.is_empty() || !outputs.len().is_multiple_of(labels.len()) {
        bail!("{} logits can't be held against {} labels", outputs.len(), labels.len());
    }
    Ok(labels)
}

/// The values that outputs should have.
fn values<'a, T: WithDType>(outputs: &[T], targets: &'a Elements<'_>) -> Result<&'a [T]> {
    let values = targets.as_slice::<T>()?;
    if values.len() != outputs.len() || values.is_empty() {
        bail!("{} outputs can't be held against {} values", outputs.len(), values.len());
    }
    Ok(values)
}
