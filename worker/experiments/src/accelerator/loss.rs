//! Losses over outputs on a device, with their gradients: a function a loss.

use basin_kernels::Loss;
use candle_core::{Result, Tensor};

/// A loss over the outputs of some networks.
pub(super) struct LossOutput {
    /// The sum of the examples' losses, a number a network.
    pub(super) loss: Tensor,
    /// The number of right answers, a number a network; zero where there are none.
    pub(super) correct: Tensor,
    /// How many losses an example has: one, or one for each value to predict.
    pub(super) terms: usize,
    /// The gradient of the mean loss for the outputs, of their shape.
    pub(super) grad: Tensor,
}

/// A loss over outputs `[networks, batch, values]` against targets `[networks, batch]` of labels or `[networks, batch, values]`.
pub(super) fn of_outputs(loss: Loss, outputs: &Tensor, targets: &Tensor) -> Result<LossOutput> {
    match loss {
        Loss::CrossEntropy => cross_entropy(outputs, targets, 0.0),
        Loss::SmoothedCrossEntropy { smoothing } => cross_entropy(outputs, targets, smoothing),
        Loss::OneHotSquaredError => one_hot_squared_error(outputs, targets),
        Loss::MeanSquaredError => squared_error(outputs, targets),
        Loss::Huber { delta } => huber(outputs, targets, delta),
    }
}

/// For each of the logits `[networks, batch, classes]` whether it is that of the label, as 0 or 1.
fn one_hot(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let classes = logits.dim(2)?;
    let numbers = Tensor::arange(0u32, classes as u32, logits.device())?.reshape((1, 1, classes))?;
    numbers.broadcast_eq(&labels.unsqueeze(2)?)?.to_dtype(logits.dtype())
}

/// How many of the greatest outputs are those of their labels.
fn right_answers(outputs: &Tensor, labels: &Tensor) -> Result<Tensor> {
    outputs.argmax(2)?.eq(labels)?.to_dtype(outputs.dtype())?.sum(1)
}

/// Cross entropy of logits `[networks, batch, classes]`; a share `smoothing` of a label's probability is that of all classes alike.
fn cross_entropy(logits: &Tensor, labels: &Tensor, smoothing: f64) -> Result<LossOutput> {
    let (_, batch, classes) = logits.dims3()?;
    let shifted = logits.broadcast_sub(&logits.max_keepdim(2)?)?;
    let exponentials = shifted.exp()?;
    let sums = exponentials.sum_keepdim(2)?;
    let mut target = one_hot(logits, labels)?;
    if smoothing > 0.0 {
        target = target.affine(1.0 - smoothing, smoothing / classes as f64)?;
    }
    let of_label = (&shifted * &target)?.sum(2)?;
    let loss = (sums.squeeze(2)?.log()? - of_label)?.sum(1)?;
    let grad = ((exponentials.broadcast_div(&sums)? - target)? * (1.0 / batch as f64))?;
    Ok(LossOutput { loss, correct: right_answers(logits, labels)?, terms: 1, grad })
}

/// The mean squared distance of outputs `[networks, batch, classes]` from one-hot vectors.
fn one_hot_squared_error(outputs: &Tensor, labels: &Tensor) -> Result<LossOutput> {
    let (_, batch, classes) = outputs.dims3()?;
    let difference = (outputs - one_hot(outputs, labels)?)?;
    let loss = (difference.sqr()?.sum((1, 2))? / classes as f64)?;
    let grad = (difference * (2.0 / (batch * classes) as f64))?;
    Ok(LossOutput { loss, correct: right_answers(outputs, labels)?, terms: 1, grad })
}

/// Squared differences of predictions `[networks, batch, values]`.
fn squared_error(predictions: &Tensor, targets: &Tensor) -> Result<LossOutput> {
    let (networks, batch, width) = predictions.dims3()?;
    let difference = (predictions - targets.reshape((networks, batch, width))?)?;
    let loss = difference.sqr()?.sum((1, 2))?;
    let correct = loss.zeros_like()?;
    let grad = (difference * (2.0 / (batch * width) as f64))?;
    Ok(LossOutput { loss, correct, terms: width, grad })
}

/// Huber's loss of predictions `[networks, batch, values]`, which is a line where a difference is beyond `delta`.
fn huber(predictions: &Tensor, targets: &Tensor, delta: f64) -> Result<LossOutput> {
    let (networks, batch, width) = predictions.dims3()?;
    let difference = (predictions - targets.reshape((networks, batch, width))?)?;
    let bounded = difference.clamp(-delta, delta)?;
    let loss = (&bounded * (difference - (&bounded / 2.0)?)?)?.sum((1, 2))?;
    let correct = loss.zeros_like()?;
    let grad = (bounded * (1.0 / (batch * width) as f64))?;
    Ok(LossOutput { loss, correct, terms: width, grad })
}
