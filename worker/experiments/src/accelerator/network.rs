//! Networks of one plan, forward and backward, all at once: every product is one over a batch of matrices, one a network.
//!
//! The backward pass is written out. Candle's own gradient of the maximum is wrong (a window's gradient isn't its maximum's), and its
//! convolutions would be one call a network; here a window is a gather by rows and a convolution a product, in both directions:
//! the gradient for a convolution's input is the convolution of the outputs' gradient with the kernel flipped.

use std::sync::Arc;

use basin_kernels::Loss;
use candle_core::{D, Device, Result, Tensor};

use super::layout::{Convolution, NetworkPlan, ParameterSlot};
use super::loss::{self, LossOutput};

/// A plan with what its device needs of it.
pub(super) struct BatchedNetwork {
    pub(super) plan: Arc<NetworkPlan>,
    device: Device,
    convolutions: Vec<Indices>,
}

/// Rows to gather.
struct Indices {
    /// For each pixel and each place in its window the pixel there; the one behind the last where the window leaves the image.
    windows: Tensor,
    /// The places of a window from its last to its first.
    flipped_kernel: Tensor,
}

/// The results of a pass, a number a network.
pub(super) struct PassOutput {
    /// The sum of the examples' losses.
    pub(super) loss: Tensor,
    /// The number of right answers; zero where there are none.
    pub(super) correct: Tensor,
    /// How many losses an example has: one, or one for each value to predict.
    pub(super) terms: usize,
    /// The gradient of the mean loss, `[networks, parameters]`, if it was asked for.
    pub(super) gradient: Option<Tensor>,
}

/// A layer's activations that the backward pass needs.
enum SavedActivations {
    Convolution {
        /// `[networks, batch × pixels, kernel² × inputs]`.
        windows: Tensor,
        /// For each of the four places of a 2×2 window whether its maximum is there, as 0 or 1.
        argmax: [Tensor; 4],
    },
    Dense {
        /// `[networks, batch, inputs]`.
        inputs: Tensor,
        /// `[networks, batch, outputs]`, behind the ReLU.
        outputs: Tensor,
    },
}

impl BatchedNetwork {
    pub(super) fn new(plan: Arc<NetworkPlan>, device: &Device) -> Result<Self> {
        let convolutions =
            plan.convolutions.iter().map(|layer| Indices::new(layer, device)).collect::<Result<_>>()?;
        Ok(Self { plan, device: device.clone(), convolutions })
    }

    /// The bytes that a pass of one network over so many examples takes at most, about: what layers give and keep.
    pub(super) fn pass_bytes(&self, batch: usize, number: usize) -> usize {
        let mut numbers = 8 * self.plan.parameters;
        for layer in &self.plan.convolutions {
            let window = layer.kernel * layer.kernel * (layer.inputs + layer.outputs);
            numbers += batch * layer.height * layer.width * (window + 8 * layer.outputs + 2 * layer.inputs);
        }
        for layer in &self.plan.dense {
            numbers += batch * (2 * layer.inputs + 6 * layer.outputs);
        }
        numbers * number
    }

    /// A pass: parameters `[networks, parameters]`, inputs `[networks, batch, …]`, targets `[networks, batch]` of labels or
    /// `[networks, batch, values]`.
    pub(super) fn pass(
        &self,
        loss: Loss,
        parameters: &Tensor,
        inputs: &Tensor,
        targets: &Tensor,
        with_gradient: bool,
    ) -> Result<PassOutput> {
        let mut kept = Vec::new();
        let mut x = inputs.clone();
        for (layer, indices) in self.plan.convolutions.iter().zip(&self.convolutions) {
            x = self.convolve(layer, indices, parameters, &x, with_gradient.then_some(&mut kept))?;
        }
        let last = self.plan.dense.len() - 1;
        for (index, layer) in self.plan.dense.iter().enumerate() {
            let weight = part(parameters, layer.weight, (layer.inputs, layer.outputs))?;
            let bias = part(parameters, layer.bias, (1, layer.outputs))?;
            let mut outputs = x.matmul(&weight)?.broadcast_add(&bias)?;
            if index < last {
                outputs = outputs.relu()?;
            }
            if with_gradient {
                kept.push(SavedActivations::Dense { inputs: x, outputs: outputs.clone() });
            }
            x = outputs;
        }
        let LossOutput { loss, correct, terms, grad } = loss::of_outputs(loss, &x, targets)?;
        let gradient = with_gradient.then(|| self.backward(parameters, kept, grad)).transpose()?;
        Ok(PassOutput { loss, correct, terms, gradient })
    }

    fn convolve(
        &self,
        layer: &Convolution,
        indices: &Indices,
        parameters: &Tensor,
        inputs: &Tensor,
        kept: Option<&mut Vec<SavedActivations>>,
    ) -> Result<Tensor> {
        let (networks, batch, _) = inputs.dims3()?;
        let window = layer.kernel * layer.kernel * layer.inputs;
        let windows = self.gather_windows(layer, indices, inputs, layer.inputs)?;
        let weight = part(parameters, layer.weight, (window, layer.outputs))?;
        let bias = part(parameters, layer.bias, (1, layer.outputs))?;
        let sums = windows.matmul(&weight)?.broadcast_add(&bias)?;
        let sums = sums.reshape((networks * batch, layer.height, layer.width, layer.outputs))?;
        let (pooled, argmax) = pool(&sums, kept.is_some())?;
        if let (Some(kept), Some(argmax)) = (kept, argmax) {
            kept.push(SavedActivations::Convolution { windows, argmax });
        }
        pooled.reshape((networks, batch, (layer.height / 2) * (layer.width / 2) * layer.outputs))
    }

    /// Of `[networks, batch, pixels × channels]` the window around each pixel: `[networks, batch × pixels, kernel² × channels]`.
    fn gather_windows(
        &self,
        layer: &Convolution,
        indices: &Indices,
        images: &Tensor,
        channels: usize,
    ) -> Result<Tensor> {
        let (networks, batch) =
            (images.dim(0)?, images.elem_count() / images.dim(0)? / (layer.pixels() * channels));
        let rows = images.reshape((networks * batch, layer.pixels(), channels))?;
        let border = Tensor::zeros((networks * batch, 1, channels), images.dtype(), &self.device)?;
        let windows = Tensor::cat(&[&rows, &border], 1)?.index_select(&indices.windows, 1)?;
        windows.reshape((networks, batch * layer.pixels(), layer.kernel * layer.kernel * channels))
    }

    /// Goes back from the outputs' gradient to that of all parameters.
    fn backward(&self, parameters: &Tensor, kept: Vec<SavedActivations>, grad: Tensor) -> Result<Tensor> {
        let networks = parameters.dim(0)?;
        let mut found: Vec<(ParameterSlot, Tensor)> = Vec::new();
        let mut grad = grad;
        let layers = self.plan.convolutions.len();
        for (index, kept) in kept.into_iter().enumerate().rev() {
            match kept {
                SavedActivations::Dense { inputs, outputs } => {
                    let layer = &self.plan.dense[index - layers];
                    if index - layers + 1 < self.plan.dense.len() {
                        grad = (grad * outputs.gt(0.0)?.to_dtype(outputs.dtype())?)?;
                    }
                    found.push((layer.bias, grad.sum(1)?));
                    found.push((layer.weight, inputs.transpose(1, 2)?.matmul(&grad)?));
                    if index > 0 {
                        let weight = part(parameters, layer.weight, (layer.inputs, layer.outputs))?;
                        grad = grad.matmul(&weight.transpose(1, 2)?)?;
                    }
                }
                SavedActivations::Convolution { windows, argmax } => {
                    let (layer, indices) = (&self.plan.convolutions[index], &self.convolutions[index]);
                    let of_sums = max_unpool(layer, networks, &grad, &argmax)?;
                    found.push((layer.bias, of_sums.sum(1)?));
                    found.push((layer.weight, windows.transpose(1, 2)?.matmul(&of_sums)?));
                    if index > 0 {
                        grad = self.to_inputs(layer, indices, parameters, &of_sums)?;
                    }
                }
            }
        }
        found.sort_by_key(|(slot, _)| slot.offset);
        let rows: Result<Vec<Tensor>> =
            found.iter().map(|(slot, gradient)| gradient.reshape((networks, slot.length))).collect();
        Tensor::cat(&rows?, 1)
    }

    /// The gradient for a convolution's inputs, from that of its sums `[networks, batch × pixels, outputs]`.
    fn to_inputs(
        &self,
        layer: &Convolution,
        indices: &Indices,
        parameters: &Tensor,
        of_sums: &Tensor,
    ) -> Result<Tensor> {
        let networks = parameters.dim(0)?;
        let places = layer.kernel * layer.kernel;
        let windows = self.gather_windows(layer, indices, of_sums, layer.outputs)?;
        let weight = part(parameters, layer.weight, (places * layer.inputs, layer.outputs))?;
        let flipped_kernel = weight
            .reshape((networks, places, layer.inputs, layer.outputs))?
            .index_select(&indices.flipped_kernel, 1)?
            .transpose(2, 3)?
            .contiguous()?
            .reshape((networks, places * layer.outputs, layer.inputs))?;
        let batch = of_sums.dim(1)? / layer.pixels();
        windows.matmul(&flipped_kernel)?.reshape((networks, batch, layer.pixels() * layer.inputs))
    }
}

/// A parameter `[networks, rows, columns]` out of all networks' rows.
fn part(parameters: &Tensor, slot: ParameterSlot, (rows, columns): (usize, usize)) -> Result<Tensor> {
    let networks = parameters.dim(0)?;
    parameters.narrow(D::Minus1, slot.offset, slot.length)?.contiguous()?.reshape((networks, rows, columns))
}

/// ReLU and the maximum of each 2×2 window of `[images, height, width, channels]`, as `[images, windows, channels]`; a last odd row
/// or column is left out. With the argmax, if it is asked for: the first of equal ones, none where the maximum isn't above zero.
fn pool(sums: &Tensor, with_argmax: bool) -> Result<(Tensor, Option<[Tensor; 4]>)> {
    let (images, height, width, channels) = sums.dims4()?;
    let (rows, columns) = (height / 2, width / 2);
    let windows = sums.narrow(1, 0, 2 * rows)?.narrow(2, 0, 2 * columns)?.contiguous()?;
    let windows = windows.reshape((images, rows, 2, columns, 2, channels))?;
    let corner = |row, column| {
        let corner = windows.narrow(2, row, 1)?.narrow(4, column, 1)?.contiguous()?;
        corner.reshape((images, rows * columns, channels))
    };
    let corners = [corner(0, 0)?, corner(0, 1)?, corner(1, 0)?, corner(1, 1)?];
    let [first, second, third, fourth] = &corners;
    let largest = first.maximum(second)?.maximum(&third.maximum(fourth)?)?;
    let pooled = largest.relu()?;
    if !with_argmax {
        return Ok((pooled, None));
    }
    let dtype = sums.dtype();
    // Where nobody has won yet, as 0 or 1; at the end nobody has where the maximum isn't above zero.
    let mut free = largest.gt(0.0)?.to_dtype(dtype)?;
    let mut wins = |corner: &Tensor| {
        let won = (corner.eq(&largest)?.to_dtype(dtype)? * &free)?;
        free = (&free - &won)?;
        Ok::<_, candle_core::Error>(won)
    };
    let argmax = [wins(first)?, wins(second)?, wins(third)?, wins(fourth)?];
    Ok((pooled, Some(argmax)))
}

/// The gradient for a convolution's sums `[networks, batch × pixels, outputs]`, from that of what was pooled.
fn max_unpool(layer: &Convolution, networks: usize, grad: &Tensor, argmax: &[Tensor; 4]) -> Result<Tensor> {
    let (rows, columns) = (layer.height / 2, layer.width / 2);
    let (images, windows, channels) = argmax[0].dims3()?;
    let grad = grad.reshape((images, windows, channels))?;
    let corner = |max_index: &Tensor| (&grad * max_index)?.reshape((images, rows, columns, channels));
    let [first, second, third, fourth] = argmax;
    let upper = Tensor::stack(&[corner(first)?, corner(second)?], 3)?;
    let lower = Tensor::stack(&[corner(third)?, corner(fourth)?], 3)?;
    let all = Tensor::stack(&[upper, lower], 2)?.reshape((images, 2 * rows, 2 * columns, channels))?;
    let all = all.pad_with_zeros(1, 0, layer.height % 2)?.pad_with_zeros(2, 0, layer.width % 2)?;
    all.reshape((networks, images / networks * layer.pixels(), channels))
}

impl Indices {
    fn new(layer: &Convolution, device: &Device) -> Result<Self> {
        let (height, width, side) = (layer.height, layer.width, layer.kernel);
        let reach = side / 2;
        let mut windows = Vec::with_capacity(layer.pixels() * side * side);
        for y in 0..height {
            for x in 0..width {
                for place in 0..side * side {
                    // Shifted by `reach`, so that no place is below zero.
                    let (row, column) = (y + place / side, x + place % side);
                    let inside =
                        (reach..height + reach).contains(&row) && (reach..width + reach).contains(&column);
                    let pixel = if inside { (row - reach) * width + column - reach } else { height * width };
                    windows.push(pixel as u32);
                }
            }
        }
        let flipped_kernel: Vec<u32> = (0..(side * side) as u32).rev().collect();
        Ok(Self {
            windows: Tensor::from_vec(windows, layer.pixels() * side * side, device)?,
            flipped_kernel: Tensor::from_vec(flipped_kernel, side * side, device)?,
        })
    }
}
