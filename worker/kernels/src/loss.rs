//! Losses, over slices.

use basin_math::{exp, ln};
use candle_core::{Result, bail};

use crate::element::Element;

/// Sums over a batch, for evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LossSums {
    /// The sum of the rows' losses; of values to predict, of the losses of all of them.
    pub loss: f64,
    /// How many rows have their label's output as the largest; the first of equal ones counts.
    pub correct: u64,
    /// How many losses were added: of rows, or of values to predict.
    pub count: u64,
}

impl std::ops::AddAssign for LossSums {
    fn add_assign(&mut self, other: Self) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.count += other.count;
    }
}

/// The derivative of [`softmax_minus_one_hot`] along tangents of the logits.
pub(crate) fn moved_softmax<T: Element>(logits: &[T], tangents: &[T], classes: usize, scale: f64) -> Vec<T> {
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

/// The sums of the rows' cross entropies and right answers.
pub(crate) fn sums<T: Element>(logits: &[T], labels: &[u32], classes: usize) -> Result<LossSums> {
    let mut sums = LossSums::default();
    for (index, (row, &label)) in logits.chunks_exact(classes).zip(labels).enumerate() {
        let label = known(label, index, classes)?;
        let (largest, log_sum) = log_sum_of_exponentials(row);
        sums.loss += log_sum - row[label].to_f64();
        sums.correct += u64::from(largest == label);
        sums.count += 1;
    }
    Ok(sums)
}

/// The sums of the rows' cross entropies against labels that share `smoothing` of their probability with all classes alike, and of
/// right answers.
pub(crate) fn smoothed_sums<T: Element>(
    logits: &[T],
    labels: &[u32],
    classes: usize,
    smoothing: f64,
) -> Result<LossSums> {
    let mut sums = LossSums::default();
    for (index, (row, &label)) in logits.chunks_exact(classes).zip(labels).enumerate() {
        let label = known(label, index, classes)?;
        let (largest, log_sum) = log_sum_of_exponentials(row);
        let mean = row.iter().map(|logit| logit.to_f64()).sum::<f64>() / classes as f64;
        sums.loss += log_sum - ((1.0 - smoothing) * row[label].to_f64() + smoothing * mean);
        sums.correct += u64::from(largest == label);
        sums.count += 1;
    }
    Ok(sums)
}

/// The sums of the rows' mean squared distances from one-hot vectors, and of right answers.
pub(crate) fn one_hot_squares<T: Element>(outputs: &[T], labels: &[u32], classes: usize) -> Result<LossSums> {
    let mut sums = LossSums::default();
    for (index, (row, &label)) in outputs.chunks_exact(classes).zip(labels).enumerate() {
        let label = known(label, index, classes)?;
        let squares = row.iter().enumerate().map(|(class, output)| {
            let difference = output.to_f64() - one_hot(class, label);
            difference * difference
        });
        sums.loss += squares.sum::<f64>() / classes as f64;
        sums.correct += u64::from(argmax(row) == label);
        sums.count += 1;
    }
    Ok(sums)
}

/// The label of a row, if it names a class.
fn known(label: u32, row: usize, classes: usize) -> Result<usize> {
    let known = label as usize;
    if known >= classes {
        bail!("label {label} of row {row} is not below the {classes} classes");
    }
    Ok(known)
}

fn one_hot(class: usize, label: usize) -> f64 {
    if class == label { 1.0 } else { 0.0 }
}

/// The index of the largest output; the first of equal ones.
pub fn argmax<T: PartialOrd>(row: &[T]) -> usize {
    let mut largest = 0;
    for (class, logit) in row.iter().enumerate() {
        if *logit > row[largest] {
            largest = class;
        }
    }
    largest
}

/// The index of the largest logit (the first of equal ones), and log Σ exp, shifted by the largest against overflow.
fn log_sum_of_exponentials<T: Element>(row: &[T]) -> (usize, f64) {
    let largest = argmax(row);
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
            let one_hot = one_hot(class, label as usize);
            *gradient = T::from_f64((exp(logit.to_f64() - log_sum) - one_hot) * scale);
        }
    }
}

/// Writes the gradient of the mean of [`smoothed_sums`].
pub(crate) fn softmax_minus_smoothed<T: Element>(
    logits: &[T],
    labels: &[u32],
    classes: usize,
    smoothing: f64,
    gradient: &mut [T],
) {
    let scale = 1.0 / labels.len() as f64;
    let share = smoothing / classes as f64;
    for ((row, &label), gradient) in
        logits.chunks_exact(classes).zip(labels).zip(gradient.chunks_exact_mut(classes))
    {
        let (_, log_sum) = log_sum_of_exponentials(row);
        for (class, (logit, gradient)) in row.iter().zip(gradient).enumerate() {
            let target = (1.0 - smoothing) * one_hot(class, label as usize) + share;
            *gradient = T::from_f64((exp(logit.to_f64() - log_sum) - target) * scale);
        }
    }
}

/// Writes the gradient of the mean of [`one_hot_squares`].
pub(crate) fn one_hot_differences<T: Element>(
    outputs: &[T],
    labels: &[u32],
    classes: usize,
    gradient: &mut [T],
) {
    let scale = 2.0 / outputs.len() as f64;
    for ((row, &label), gradient) in
        outputs.chunks_exact(classes).zip(labels).zip(gradient.chunks_exact_mut(classes))
    {
        for (class, (output, gradient)) in row.iter().zip(gradient).enumerate() {
            *gradient = T::from_f64((output.to_f64() - one_hot(class, label as usize)) * scale);
        }
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

/// The sum of Huber's losses: half the square of a difference up to `delta`, beyond it `delta` × (|difference| − `delta` / 2).
pub(crate) fn huber<T: Element>(prediction: &[T], target: &[T], delta: f64) -> LossSums {
    let losses = prediction.iter().zip(target).map(|(p, t)| {
        let difference = difference(*p, *t);
        let bounded = bounded(difference, delta);
        bounded * (difference - bounded / 2.0)
    });
    LossSums { loss: losses.sum(), correct: 0, count: prediction.len() as u64 }
}

/// Writes the gradient of the mean of [`huber`].
pub(crate) fn bounded_differences<T: Element>(
    prediction: &[T],
    target: &[T],
    delta: f64,
    gradient: &mut [T],
) {
    let scale = 1.0 / prediction.len() as f64;
    for ((gradient, p), t) in gradient.iter_mut().zip(prediction).zip(target) {
        *gradient = T::from_f64(bounded(difference(*p, *t), delta) * scale);
    }
}

/// The derivative of [`bounded_differences`] along tangents of the predictions: theirs where the difference is below `delta`.
pub(crate) fn moved_bounded_differences<T: Element>(
    prediction: &[T],
    target: &[T],
    tangents: &[T],
    delta: f64,
) -> Vec<T> {
    let scale = 1.0 / prediction.len() as f64;
    let moved = prediction.iter().zip(target).zip(tangents).map(|((p, t), tangent)| {
        let is_free = difference(*p, *t).abs() < delta;
        T::from_f64(if is_free { tangent.to_f64() * scale } else { 0.0 })
    });
    moved.collect()
}

/// The nearest number of [−delta, delta]; what is no number stays none.
fn bounded(difference: f64, delta: f64) -> f64 {
    if difference > delta {
        delta
    } else if difference < -delta {
        -delta
    } else {
        difference
    }
}

fn difference<T: Element>(prediction: T, target: T) -> f64 {
    prediction.to_f64() - target.to_f64()
}
