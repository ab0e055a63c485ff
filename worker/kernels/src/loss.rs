//! Losses.

use basin_math::{exp, ln};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Device, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::backprop::apply2;
use crate::element::{Element, Elements, slice, with_float};
use crate::second_order::{Dual, OpContext, SecondOrder};

/// Sums over a batch, for evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LossSums {
    /// The sum of the rows' losses.
    pub loss: f64,
    /// How many rows have their label's logit as the largest; the first of equal ones counts.
    pub correct: u64,
    /// How many rows there are.
    pub count: u64,
}

impl std::ops::AddAssign for LossSums {
    fn add_assign(&mut self, other: Self) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.count += other.count;
    }
}

/// The mean over the batch of −log softmax(logits)\[label\], a scalar.
///
/// `logits` is `[batch, classes]`, `labels` is `[batch]` of `u32`, each below the number of classes. Gradient for the logits.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    apply2([logits.contiguous()?, labels.contiguous()?], CrossEntropy)
}

/// The sum of the losses (each added in `f64`) and the number of right answers; shapes as for [`cross_entropy`]. No gradient.
pub fn cross_entropy_sums(logits: &Tensor, labels: &Tensor) -> Result<LossSums> {
    let (logits, labels) = (logits.contiguous()?, labels.contiguous()?);
    let classes = check_shapes(logits.shape(), labels.shape())?;
    let labels = Elements::of(&labels);
    let rows = Elements::of(&logits);
    with_float!(logits.dtype(), "cross_entropy_sums", T => sums::<T>(rows.as_slice()?, labels.as_slice()?, classes))
}

/// The sum over all elements of (prediction − target)², each squared and added in `f64`, and how many there are. No gradient.
pub fn squared_error_sums(prediction: &Tensor, target: &Tensor) -> Result<LossSums> {
    check_equal(prediction, target)?;
    let (prediction, target) = (prediction.contiguous()?, target.contiguous()?);
    let (p, t) = (Elements::of(&prediction), Elements::of(&target));
    with_float!(prediction.dtype(), "squared_error_sums", T => Ok(squares::<T>(p.as_slice()?, t.as_slice()?)))
}

/// The mean over all elements of (prediction − target)², a scalar. Gradient for the prediction.
pub fn mean_squared_error(prediction: &Tensor, target: &Tensor) -> Result<Tensor> {
    check_equal(prediction, target)?;
    apply2([prediction.contiguous()?, target.contiguous()?], MeanSquaredError)
}

fn check_equal(prediction: &Tensor, target: &Tensor) -> Result<()> {
    if prediction.shape() != target.shape() {
        bail!(
            "mean_squared_error: prediction {:?} and target {:?} differ",
            prediction.shape(),
            target.shape()
        );
    }
    Ok(())
}

struct CrossEntropy;

impl CustomOp2 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let classes = check_shapes(l1.shape(), l2.shape())?;
        let labels = slice::<u32>(s2, l2)?;
        with_float!(s1.dtype(), self.name(), T => {
            let sums = sums::<T>(slice(s1, l1)?, labels, classes)?;
            let mean = T::from_f64(sums.loss / sums.count as f64);
            Ok((T::to_cpu_storage_owned(vec![mean]), Shape::from(())))
        })
    }

    fn bwd(
        &self,
        logits: &Tensor,
        labels: &Tensor,
        _loss: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let scale = gradient.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        let (rows, labels) = (Elements::of(logits), Elements::of(labels));
        let (_, classes) = logits.dims2()?;
        with_float!(logits.dtype(), self.name(), T => {
            let mut gradient = vec![T::default(); logits.elem_count()];
            softmax_minus_one_hot::<T>(rows.as_slice()?, labels.as_slice()?, classes, scale, &mut gradient);
            Ok((Some(Tensor::from_vec(gradient, logits.shape(), &Device::Cpu)?), None))
        })
    }
}

impl SecondOrder for CrossEntropy {
    /// (p − 1)·ż, averaged over rows.
    fn jvp(&self, context: &OpContext<'_>) -> Result<Tensor> {
        let ([logits, labels], [Some(tangent), _]) = (context.inputs, context.tangents) else {
            bail!("{} moves with its logits alone", self.name());
        };
        let (rows, labels, tangents) = (Elements::of(logits), Elements::of(labels), Elements::of(tangent));
        let (_, classes) = logits.dims2()?;
        with_float!(logits.dtype(), self.name(), T => {
            let mut grad = vec![T::default(); rows.as_slice::<T>()?.len()];
            softmax_minus_one_hot::<T>(rows.as_slice()?, labels.as_slice()?, classes, 1.0, &mut grad);
            let along = grad.iter().zip(tangents.as_slice::<T>()?);
            let along: f64 = along.map(|(grad, tangent)| grad.to_f64() * tangent.to_f64()).sum();
            Tensor::new(T::from_f64(along), &Device::Cpu)
        })
    }

    /// The derivative of p − 1 along ż is p∘(ż − p·ż).
    fn vjp_jvp(&self, context: &OpContext<'_>, result: &Dual) -> Result<Vec<Dual>> {
        let ([logits, labels], [tangent, _]) = (context.inputs, context.tangents) else {
            unreachable!("{} has two inputs", self.name());
        };
        let (rows, labels) = (Elements::of(logits), Elements::of(labels));
        let tangent = tangent.as_ref().map(Elements::of);
        let (_, classes) = logits.dims2()?;
        let (scale, scale_tangent) = (number(result.gradient.as_ref())?, number(result.tangent.as_ref())?);
        with_float!(logits.dtype(), self.name(), T => {
            let (logit_rows, label_rows) = (rows.as_slice::<T>()?, labels.as_slice()?);
            let plain = |scale| {
                let mut grad = vec![T::default(); logit_rows.len()];
                softmax_minus_one_hot::<T>(logit_rows, label_rows, classes, scale, &mut grad);
                Tensor::from_vec(grad, logits.shape(), &Device::Cpu)
            };
            let mut pair = Dual::default();
            if context.needs_gradient(0) {
                pair.gradient = Some(plain(scale)?);
            }
            if let Some(tangent) = tangent {
                let moved = moved_softmax::<T>(logit_rows, tangent.as_slice()?, classes, scale);
                pair.tangent = Some(Tensor::from_vec(moved, logits.shape(), &Device::Cpu)?);
            }
            if result.tangent.is_some() {
                let straight = plain(scale_tangent)?;
                pair.tangent = Some(match pair.tangent {
                    Some(moved) => (moved + straight)?,
                    None => straight,
                });
            }
            Ok(vec![pair])
        })
    }
}

/// A scalar, or zero where there is none.
fn number(scalar: Option<&Tensor>) -> Result<f64> {
    scalar.map_or(Ok(0.0), |scalar| scalar.to_dtype(DType::F64)?.to_scalar::<f64>())
}

/// The derivative of [`softmax_minus_one_hot`] along tangents of the logits.
fn moved_softmax<T: Element>(logits: &[T], tangents: &[T], classes: usize, scale: f64) -> Vec<T> {
    let scale = scale / (logits.len() / classes) as f64;
    let mut moved = Vec::with_capacity(logits.len());
    for (row, tangents) in logits.chunks_exact(classes).zip(tangents.chunks_exact(classes)) {
        let (_, log_sum) = log_sum_of_exponentials(row);
        let shares = row.iter().map(|logit| exp(logit.to_f64() - log_sum));
        let mean: f64 = shares.clone().zip(tangents).map(|(share, tangent)| share * tangent.to_f64()).sum();
        moved.extend(
            shares
                .zip(tangents)
                .map(|(share, tangent)| T::from_f64(share * (tangent.to_f64() - mean) * scale)),
        );
    }
    moved
}

fn check_shapes(logits: &Shape, labels: &Shape) -> Result<usize> {
    let (rows, classes) = logits.dims2()?;
    if labels.dims() != [rows] {
        bail!("cross_entropy: logits {logits:?} need labels [{rows}], not {labels:?}");
    }
    if rows == 0 || classes == 0 {
        bail!("cross_entropy: logits {logits:?} are empty");
    }
    Ok(classes)
}

/// The sums of the rows' cross entropies and right answers.
pub(crate) fn sums<T: Element>(logits: &[T], labels: &[u32], classes: usize) -> Result<LossSums> {
    let mut sums = LossSums::default();
    for (index, (row, &label)) in logits.chunks_exact(classes).zip(labels).enumerate() {
        let label = label as usize;
        if label >= classes {
            bail!("cross_entropy: label {label} of row {index} is not below the {classes} classes");
        }
        let (largest, log_sum) = log_sum_of_exponentials(row);
        sums.loss += log_sum - row[label].to_f64();
        sums.correct += u64::from(largest == label);
        sums.count += 1;
    }
    Ok(sums)
}

/// The index of the largest logit (the first of equal ones), and log Σ exp, shifted by the largest against overflow.
fn log_sum_of_exponentials<T: Element>(row: &[T]) -> (usize, f64) {
    let mut largest = 0;
    for (class, logit) in row.iter().enumerate() {
        if *logit > row[largest] {
            largest = class;
        }
    }
    let shift = row[largest].to_f64();
    let sum: f64 = row.iter().map(|logit| exp(logit.to_f64() - shift)).sum();
    (largest, shift + ln(sum))
}

/// Writes the gradient of `scale` times the mean cross entropy.
pub(crate) fn softmax_minus_one_hot<T: Element>(
    logits: &[T],
    labels: &[u32],
    classes: usize,
    scale: f64,
    gradient: &mut [T],
) {
    let scale = scale / labels.len() as f64;
    for ((row, &label), gradient) in
        logits.chunks_exact(classes).zip(labels).zip(gradient.chunks_exact_mut(classes))
    {
        let (_, log_sum) = log_sum_of_exponentials(row);
        for (class, (logit, gradient)) in row.iter().zip(gradient).enumerate() {
            let one_hot = if class == label as usize { 1.0 } else { 0.0 };
            *gradient = T::from_f64((exp(logit.to_f64() - log_sum) - one_hot) * scale);
        }
    }
}

struct MeanSquaredError;

impl CustomOp2 for MeanSquaredError {
    fn name(&self) -> &'static str {
        "mean_squared_error"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        with_float!(s1.dtype(), self.name(), T => {
            let (prediction, target) = (slice::<T>(s1, l1)?, slice::<T>(s2, l2)?);
            let sums = squares::<T>(prediction, target);
            let mean = T::from_f64(sums.loss / sums.count as f64);
            Ok((T::to_cpu_storage_owned(vec![mean]), Shape::from(())))
        })
    }

    fn bwd(
        &self,
        prediction: &Tensor,
        target: &Tensor,
        _loss: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let scale = 2.0 * gradient.to_dtype(DType::F64)?.to_scalar::<f64>()? / prediction.elem_count() as f64;
        let (p, t) = (Elements::of(prediction), Elements::of(target));
        with_float!(prediction.dtype(), self.name(), T => {
            let mut gradient = vec![T::default(); prediction.elem_count()];
            scaled_differences::<T>(p.as_slice()?, t.as_slice()?, scale, &mut gradient);
            Ok((Some(Tensor::from_vec(gradient, prediction.shape(), &Device::Cpu)?), None))
        })
    }
}

impl SecondOrder for MeanSquaredError {
    fn jvp(&self, context: &OpContext<'_>) -> Result<Tensor> {
        let ([prediction, target], [Some(tangent), None]) = (context.inputs, context.tangents) else {
            bail!("{} moves with its prediction alone", self.name());
        };
        let (p, t, tangents) = (Elements::of(prediction), Elements::of(target), Elements::of(tangent));
        let scale = 2.0 / prediction.elem_count() as f64;
        with_float!(prediction.dtype(), self.name(), T => {
            let pairs = p.as_slice::<T>()?.iter().zip(t.as_slice::<T>()?).zip(tangents.as_slice::<T>()?);
            let along: f64 = pairs.map(|((p, t), tangent)| difference(*p, *t) * scale * tangent.to_f64()).sum();
            Tensor::new(T::from_f64(along), &Device::Cpu)
        })
    }

    fn vjp_jvp(&self, context: &OpContext<'_>, result: &Dual) -> Result<Vec<Dual>> {
        let ([prediction, target], [tangent, _]) = (context.inputs, context.tangents) else {
            unreachable!("{} has two inputs", self.name());
        };
        let (p, t) = (Elements::of(prediction), Elements::of(target));
        let tangent = tangent.as_ref().map(Elements::of);
        let share = 2.0 / prediction.elem_count() as f64;
        let (scale, scale_tangent) =
            (share * number(result.gradient.as_ref())?, share * number(result.tangent.as_ref())?);
        with_float!(prediction.dtype(), self.name(), T => {
            let (p, t) = (p.as_slice::<T>()?, t.as_slice::<T>()?);
            let mut pair = Dual::default();
            if context.needs_gradient(0) {
                let mut gradient = vec![T::default(); p.len()];
                scaled_differences(p, t, scale, &mut gradient);
                pair.gradient = Some(Tensor::from_vec(gradient, prediction.shape(), &Device::Cpu)?);
            }
            let still = vec![T::default(); if tangent.is_none() { p.len() } else { 0 }];
            let tangents = tangent.as_ref().map_or(Ok(still.as_slice()), |tangent| tangent.as_slice::<T>())?;
            let moved: Vec<T> = p
                .iter()
                .zip(t)
                .zip(tangents)
                .map(|((p, t), tangent)| {
                    T::from_f64(difference(*p, *t) * scale_tangent + tangent.to_f64() * scale)
                })
                .collect();
            pair.tangent = Some(Tensor::from_vec(moved, prediction.shape(), &Device::Cpu)?);
            Ok(vec![pair])
        })
    }
}

/// The sum of the squared differences.
pub(crate) fn squares<T: Element>(prediction: &[T], target: &[T]) -> LossSums {
    let differences = prediction.iter().zip(target).map(|(p, t)| difference(*p, *t));
    LossSums {
        loss: differences.map(|difference| difference * difference).sum(),
        correct: 0,
        count: prediction.len() as u64,
    }
}

/// Writes `scale` × (prediction − target).
pub(crate) fn scaled_differences<T: Element>(prediction: &[T], target: &[T], scale: f64, gradient: &mut [T]) {
    for ((gradient, p), t) in gradient.iter_mut().zip(prediction).zip(target) {
        *gradient = T::from_f64(difference(*p, *t) * scale);
    }
}

fn difference<T: Element>(prediction: T, target: T) -> f64 {
    prediction.to_f64() - target.to_f64()
}
