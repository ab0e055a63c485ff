//! Normalisations.

use candle_core::{D, Result, Tensor};
use candle_nn::{GroupNorm, LayerNorm, Module, VarBuilder};

use super::layer::{Layer, Pass, PassMode, Place, function, only};

/// Layer normalisation over the dimensions of its parameters.
///
/// `candle-nn`'s module with a bias runs a kernel without a gradient, and has ε in `f32`: the one without a bias is made of operations, and the
/// bias is added behind it.
pub(super) fn layer_norm(
    place: &Place<'_>,
    epsilon: f64,
    variables: &VarBuilder<'_>,
) -> Result<Box<dyn Layer>> {
    let (weight, bias) = (place.parameter(0, variables)?, place.parameter(1, variables)?);
    let dimensions = weight.rank();
    let module = LayerNorm::new_no_bias(weight.flatten_all()?, epsilon);
    let bias = bias.flatten_all()?;
    Ok(function(move |x| {
        let rows = x.flatten_from(x.rank() - dimensions)?;
        module.forward(&rows)?.broadcast_add(&bias)?.reshape(x.shape())
    }))
}

/// Group normalisation of the channels of images.
pub(super) fn group_norm(
    place: &Place<'_>,
    groups: usize,
    epsilon: f64,
    variables: &VarBuilder<'_>,
) -> Result<Box<dyn Layer>> {
    let (weight, bias) = (place.parameter(0, variables)?, place.parameter(1, variables)?);
    let channels = weight.dims1()?;
    let module = GroupNorm::new(weight, bias, channels, groups, epsilon)?;
    Ok(function(move |images| module.forward(&images.contiguous()?)))
}

/// Batch normalisation of a channel of images, or of an entry of the last dimension.
///
/// `candle-nn`'s module moves its running statistics by itself, also in a pass that mustn't (the second of sharpness-aware minimisation), and
/// divides by zero for a batch of one value.
struct BatchNorm {
    /// None where scales are 1.
    weight: Option<Tensor>,
    bias: Tensor,
    /// The running mean and variance, with their names.
    running: [(String, Tensor); 2],
    epsilon: f64,
    momentum: f64,
}

pub(super) fn batch_norm(
    place: &Place<'_>,
    [epsilon, momentum]: [f64; 2],
    has_scale: bool,
    variables: &VarBuilder<'_>,
) -> Result<Box<dyn Layer>> {
    let weight = if has_scale { Some(place.parameter(0, variables)?) } else { None };
    let bias = place.parameter(usize::from(has_scale), variables)?;
    let running = [place.buffer(0, variables)?, place.buffer(1, variables)?];
    Ok(Box::new(BatchNorm { weight, bias, running, epsilon, momentum }))
}

impl BatchNorm {
    /// Normalises the columns of `[values, channels]`.
    fn columns(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        let [(mean_name, running_mean), (variance_name, running_variance)] = &self.running;
        let (centred, variance) = match pass.mode {
            PassMode::Evaluation => (x.broadcast_sub(running_mean)?, running_variance.unsqueeze(0)?),
            PassMode::Training { .. } => {
                let mean = x.mean_keepdim(0)?;
                let centred = x.broadcast_sub(&mean)?;
                let variance = centred.sqr()?.mean_keepdim(0)?;
                let count = x.dim(0)? as f64;
                let unbiased = count / (count - 1.0).max(1.0);
                let moved = |running: &Tensor, batch: &Tensor, factor: f64| {
                    (running * (1.0 - self.momentum))?
                        + (batch.detach().squeeze(0)? * (self.momentum * factor))?
                };
                pass.updated_buffers.borrow_mut().extend([
                    (mean_name.clone(), moved(running_mean, &mean, 1.0)?),
                    (variance_name.clone(), moved(running_variance, &variance, unbiased)?),
                ]);
                (centred, variance)
            }
        };
        let normalised = centred.broadcast_div(&(variance + self.epsilon)?.sqrt()?)?;
        let scaled = match &self.weight {
            Some(weight) => normalised.broadcast_mul(weight)?,
            None => normalised,
        };
        scaled.broadcast_add(&self.bias)
    }
}

impl Layer for BatchNorm {
    fn forward(&self, inputs: &[Tensor], pass: &Pass) -> Result<Tensor> {
        let x = only(inputs)?;
        if x.rank() == 4 {
            let (batch, channels, height, width) = x.dims4()?;
            let columns = x.permute((0, 2, 3, 1))?.contiguous()?.reshape(((), channels))?;
            let normalised = self.columns(&columns, pass)?.reshape((batch, height, width, channels))?;
            return normalised.permute((0, 3, 1, 2))?.contiguous();
        }
        let columns = x.contiguous()?.reshape(((), x.dim(D::Minus1)?))?;
        self.columns(&columns, pass)?.reshape(x.shape())
    }
}
