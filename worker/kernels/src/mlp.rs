//! Multilayer perceptrons: a stack of dense layers that is trained in memory of its own.
//!
//! For small networks a graph of tensors costs more than the arithmetic. [`Mlp`] runs the same functions as
//! [`dense()`](crate::dense()) and the losses do, in the same order, over slices that it keeps from one step to the next: same bytes, no
//! allocation. A pass stays on the thread that calls it wherever sharing it wouldn't pay.

use candle_core::{DType, Result, Tensor, TensorId, Var, bail};

use crate::dense::{
    Activation, DenseParameters, DenseShape, back_through_relu, forward, input_gradient, parameter_gradients,
};
use crate::element::Elements;
use crate::loss::{self, LossSums};
use crate::optimizer::{Gradient, Gradients};

/// A loss of a network's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// [`cross_entropy`](crate::cross_entropy) of logits and labels `[batch]`.
    CrossEntropy,
    /// [`mean_squared_error`](crate::mean_squared_error) of values and targets of the outputs' shape.
    MeanSquaredError,
}

/// The variables of a dense layer.
#[derive(Debug, Clone)]
pub struct DenseVariables {
    /// `[outputs, inputs]`.
    pub weight: Var,
    /// `[outputs]`.
    pub bias: Var,
}

/// Dense layers with ReLU between them, and none behind the last, in `f32`.
///
/// It shares the variables that it was made of, and reads them anew in each pass.
pub struct Mlp {
    layers: Vec<MlpLayer>,
    /// For how many examples there is room.
    room: usize,
}

struct MlpLayer {
    weight: Var,
    bias: Var,
    inputs: usize,
    outputs: usize,
    /// `[room, outputs]`.
    y: Vec<f32>,
    /// The gradient of `y`, `[room, outputs]`.
    y_gradient: Vec<f32>,
    weight_gradient: Vec<f32>,
    bias_gradient: Vec<f32>,
}

impl MlpLayer {
    fn shape(&self, batch: usize) -> DenseShape {
        DenseShape { batch, inputs: self.inputs, outputs: self.outputs }
    }
}

impl Mlp {
    /// A network of these layers.
    ///
    /// # Errors
    /// If the shapes don't fit together, or the type isn't `f32`.
    pub fn new(layers: &[DenseVariables]) -> Result<Self> {
        let mut made: Vec<MlpLayer> = Vec::with_capacity(layers.len());
        for DenseVariables { weight, bias } in layers {
            let (outputs, inputs) = weight.dims2()?;
            if let Some(before) = made.last().filter(|before| before.outputs != inputs) {
                bail!("a layer of {} outputs is followed by one of {inputs} inputs", before.outputs);
            }
            if bias.dims() != [outputs] {
                bail!("the weight {:?} doesn't go with the bias {:?}", weight.shape(), bias.shape());
            }
            if weight.dtype() != DType::F32 || bias.dtype() != DType::F32 || inputs == 0 || outputs == 0 {
                bail!("a layer's parameters are numbers of f32");
            }
            made.push(MlpLayer {
                weight: weight.clone(),
                bias: bias.clone(),
                inputs,
                outputs,
                y: Vec::new(),
                y_gradient: Vec::new(),
                weight_gradient: vec![0.0; outputs * inputs],
                bias_gradient: vec![0.0; outputs],
            });
        }
        if made.is_empty() {
            bail!("a network has at least one layer");
        }
        Ok(Self { layers: made, room: 0 })
    }

    /// The loss over a batch: `inputs` `[batch, …]`, `targets` as the loss takes them.
    ///
    /// # Errors
    /// If the shapes don't fit the network.
    pub fn evaluate(&mut self, inputs: &Tensor, targets: &Tensor, loss: Loss) -> Result<LossSums> {
        let batch = self.forward(inputs)?;
        self.sums(batch, targets, loss)
    }

    /// The loss over a batch, as [`Mlp::evaluate`] gives it, and the gradients of its mean, which stay here to be read: see
    /// [`Gradients`].
    ///
    /// # Errors
    /// If the shapes don't fit the network.
    pub fn gradients(&mut self, inputs: &Tensor, targets: &Tensor, loss: Loss) -> Result<LossSums> {
        let batch = self.forward(inputs)?;
        let sums = self.sums(batch, targets, loss)?;
        self.start_back(batch, targets, loss)?;
        let x = Elements::of(inputs);
        let x = x.as_slice::<f32>()?;
        for index in (0..self.layers.len()).rev() {
            let is_last = index + 1 == self.layers.len();
            let (before, rest) = self.layers.split_at_mut(index);
            let layer = &mut rest[0];
            let shape = layer.shape(batch);
            let (y, gradient) =
                (&layer.y[..batch * layer.outputs], &mut layer.y_gradient[..batch * layer.outputs]);
            if !is_last {
                back_through_relu::<f32>(y, gradient);
            }
            let input = before.last().map_or(x, |before| &before.y[..batch * before.outputs]);
            parameter_gradients(shape, input, gradient, &mut layer.weight_gradient, &mut layer.bias_gradient);
            if let Some(before) = before.last_mut() {
                let weight = Elements::of(&layer.weight);
                let to = &mut before.y_gradient[..batch * before.outputs];
                input_gradient(shape, weight.as_slice::<f32>()?, gradient, to);
            }
        }
        Ok(sums)
    }

    /// Runs the layers; the number of examples.
    fn forward(&mut self, inputs: &Tensor) -> Result<usize> {
        let first = &self.layers[0];
        let (batch, features) = match inputs.dims() {
            [batch, features @ ..] if !features.is_empty() => (*batch, features.iter().product::<usize>()),
            _ => bail!("a network's input is [batch, …], not {:?}", inputs.shape()),
        };
        if features != first.inputs || batch == 0 {
            bail!("a network of {} inputs can't take {:?}", first.inputs, inputs.shape());
        }
        if self.room < batch {
            for layer in &mut self.layers {
                layer.y.resize(batch * layer.outputs, 0.0);
                layer.y_gradient.resize(batch * layer.outputs, 0.0);
            }
            self.room = batch;
        }
        let x = Elements::of(inputs);
        let x = x.as_slice::<f32>()?;
        for index in 0..self.layers.len() {
            let is_last = index + 1 == self.layers.len();
            let (before, rest) = self.layers.split_at_mut(index);
            let layer = &mut rest[0];
            let input = before.last().map_or(x, |before| &before.y[..batch * before.outputs]);
            let (weight, bias) = (Elements::of(&layer.weight), Elements::of(&layer.bias));
            forward(
                layer.shape(batch),
                input,
                DenseParameters { weight: weight.as_slice::<f32>()?, bias: bias.as_slice::<f32>()? },
                if is_last { Activation::Identity } else { Activation::Relu },
                &mut layer.y[..batch * layer.outputs],
            );
        }
        Ok(batch)
    }

    fn last(&self) -> &MlpLayer {
        &self.layers[self.layers.len() - 1]
    }

    fn sums(&self, batch: usize, targets: &Tensor, kind: Loss) -> Result<LossSums> {
        let last = self.last();
        let outputs = &last.y[..batch * last.outputs];
        check_targets(batch, last.outputs, targets, kind)?;
        let elements = Elements::of(targets);
        match kind {
            Loss::CrossEntropy => loss::sums::<f32>(outputs, elements.as_slice::<u32>()?, last.outputs),
            Loss::MeanSquaredError => Ok(loss::squares::<f32>(outputs, elements.as_slice()?)),
        }
    }

    /// Writes the gradient of the mean loss into the last layer.
    fn start_back(&mut self, batch: usize, targets: &Tensor, kind: Loss) -> Result<()> {
        let position = self.layers.len() - 1;
        let last = &mut self.layers[position];
        let count = batch * last.outputs;
        let (outputs, gradient) = (&last.y[..count], &mut last.y_gradient[..count]);
        let elements = Elements::of(targets);
        match kind {
            Loss::CrossEntropy => {
                loss::softmax_minus_one_hot(outputs, elements.as_slice()?, last.outputs, 1.0, gradient);
            }
            Loss::MeanSquaredError => {
                loss::scaled_differences(outputs, elements.as_slice()?, 2.0 / count as f64, gradient);
            }
        }
        Ok(())
    }
}

fn check_targets(batch: usize, outputs: usize, targets: &Tensor, kind: Loss) -> Result<()> {
    let fits = match kind {
        Loss::CrossEntropy => targets.dims() == [batch],
        Loss::MeanSquaredError => targets.dims() == [batch, outputs],
    };
    if !fits || !targets.is_contiguous() {
        bail!("outputs [{batch}, {outputs}] can't be held against {:?}", targets.shape());
    }
    Ok(())
}

impl Gradients for Mlp {
    fn of(&self, parameter: &Var) -> Option<Gradient<'_>> {
        let id: TensorId = parameter.id();
        self.layers.iter().find_map(|layer| {
            if layer.weight.id() == id {
                Some(Gradient::Elements(&layer.weight_gradient))
            } else if layer.bias.id() == id {
                Some(Gradient::Elements(&layer.bias_gradient))
            } else {
                None
            }
        })
    }
}
