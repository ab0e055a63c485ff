//! A small dense network in `f64`: its mean squared error and the gradient.
//!
//! Parameters are one flat vector θ, layer by layer from the input: the weight `[outputs, inputs]` row by row, then the
//! bias. Every intermediate result lies as `[units, points]`, so that the inner loops run over neighbouring points.

use basin_domain::experiment::Activation;
use basin_domain::random::Stream;

use super::points::{add_scaled, dot};
use super::scalar::Scalar;
use super::workspace::Workspace;
use crate::ExperimentError;

/// A dense network with the points that it is fitted to. A function's is from one input to one output.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    pub(super) activation: Activation,
    pub(super) layers: Vec<LayerLayout>,
    /// The number of points.
    points: usize,
    /// `[inputs, points]`.
    pub(super) inputs: Vec<f64>,
    /// `[outputs, points]`.
    pub(super) targets: Vec<f64>,
}

/// A dense layer, and where its parameters are in θ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerLayout {
    /// `dense0`, `dense1`, …, `output`.
    pub name: String,
    /// The units before it.
    pub inputs: usize,
    /// Its units.
    pub outputs: usize,
    /// Where its weight starts; its bias follows the weight.
    pub offset: usize,
}

impl LayerLayout {
    /// Where the weights of one unit are, in the order of the units before it.
    pub(super) fn weight(&self, unit: usize) -> std::ops::Range<usize> {
        let start = self.offset + unit * self.inputs;
        start..start + self.inputs
    }

    /// Where the bias of one unit is.
    pub(super) fn bias(&self, unit: usize) -> usize {
        self.offset + self.outputs * self.inputs + unit
    }
}

impl Network {
    /// A network with these hidden layers, over points given by inputs and targets.
    ///
    /// # Errors
    /// [`ExperimentError::InvalidParameters`] if a layer is empty, or if there are no points or not a target for each.
    pub fn new(
        hidden: &[u32],
        activation: Activation,
        inputs: Vec<f64>,
        targets: Vec<f64>,
    ) -> Result<Self, ExperimentError> {
        Self::of_vectors(hidden, activation, [1, 1], inputs, targets)
    }

    /// A network between spaces of these dimensions, over points given by inputs `[dimension, points]` and targets likewise.
    ///
    /// # Errors
    /// As [`Network::new`]; also if a dimension is zero, or doesn't divide the numbers.
    pub fn of_vectors(
        hidden: &[u32],
        activation: Activation,
        [features, outputs]: [u32; 2],
        inputs: Vec<f64>,
        targets: Vec<f64>,
    ) -> Result<Self, ExperimentError> {
        let whole = |numbers: usize, dimension: u32| {
            let points = numbers.checked_div(dimension as usize)?;
            (points > 0 && numbers.is_multiple_of(dimension as usize)).then_some(points)
        };
        let points = whole(inputs.len(), features).filter(|_| outputs > 0);
        let Some(points) = points.filter(|points| points * outputs as usize == targets.len()) else {
            let reason = format!("{} inputs with {} targets are no points", inputs.len(), targets.len());
            return Err(ExperimentError::InvalidParameters(reason));
        };
        let mut layers = Vec::with_capacity(hidden.len() + 1);
        let (mut width, mut offset) = (features as usize, 0);
        let names = (0..hidden.len()).map(|index| format!("dense{index}")).chain(["output".to_owned()]);
        for (name, outputs) in names.zip(hidden.iter().copied().chain([outputs])) {
            if outputs == 0 {
                let reason = format!("the layer `{name}` has no units");
                return Err(ExperimentError::InvalidParameters(reason));
            }
            let outputs = outputs as usize;
            layers.push(LayerLayout { name, inputs: width, outputs, offset });
            offset += outputs * (width + 1);
            width = outputs;
        }
        Ok(Self { activation, layers, points, inputs, targets })
    }

    /// The dimensions of the parameters, in the order in which they lie in θ.
    pub(super) fn parameter_dims(&self) -> impl Iterator<Item = Vec<usize>> {
        self.layers.iter().flat_map(|layer| [vec![layer.outputs, layer.inputs], vec![layer.outputs]])
    }

    /// The layers, from the input on.
    pub fn layers(&self) -> &[LayerLayout] {
        &self.layers
    }

    /// The number of points.
    pub const fn points(&self) -> usize {
        self.points
    }

    /// The length of θ.
    pub fn parameter_count(&self) -> usize {
        self.layers.iter().map(|layer| layer.outputs * (layer.inputs + 1)).sum()
    }

    /// θ as `seed` draws it: from the streams and within the bounds of [`crate::model::Model::dense_net`], not rounded to
    /// `f32`.
    pub fn initial(&self, seed: u64) -> Vec<f64> {
        let mut theta = Vec::with_capacity(self.parameter_count());
        for LayerLayout { name, inputs, outputs, .. } in &self.layers {
            let bound = 1.0 / (*inputs as f64).sqrt();
            for (parameter, count) in [("weight", inputs * outputs), ("bias", *outputs)] {
                let mut stream = Stream::new(seed, &format!("initial/{name}.{parameter}"));
                theta.extend((0..count).map(|_| (2.0 * stream.uniform() - 1.0) * bound));
            }
        }
        theta
    }

    /// The loss at θ: the mean of the squared errors over all points, those of several outputs added.
    ///
    /// # Panics
    /// If `theta` is not as long as [`Network::parameter_count`] says; so it is with all that follows.
    pub fn loss(&self, theta: &[f64]) -> f64 {
        self.loss_with(theta, &mut Workspace::new(self))
    }

    /// The gradient at θ.
    pub fn gradient(&self, theta: &[f64]) -> Vec<f64> {
        let mut gradient = vec![0.0; self.parameter_count()];
        self.gradient_with(theta, &mut Workspace::new(self), &mut gradient);
        gradient
    }

    /// [`Network::loss`] in memory that is there already.
    pub fn loss_with(&self, theta: &[f64], workspace: &mut Workspace) -> f64 {
        self.forward(theta, workspace);
        self.loss_of(workspace)
    }

    /// The loss after [`Network::forward`].
    fn loss_of(&self, workspace: &Workspace) -> f64 {
        let outputs = &workspace.activations[self.layers.len()];
        let errors = outputs.iter().zip(&self.targets).map(|(output, target)| output - target);
        errors.map(|error| error * error).sum::<f64>() / self.points() as f64
    }

    /// [`Network::gradient`] in memory that is there already; gives the loss.
    pub fn gradient_with(&self, theta: &[f64], workspace: &mut Workspace, gradient: &mut [f64]) -> f64 {
        self.gradient_in(theta, workspace, gradient);
        self.loss_of(workspace)
    }

    /// The gradient at θ in any precision, in memory that is there already. Inputs and targets are the doubles that they are.
    pub fn gradient_in<T: Scalar>(&self, theta: &[T], workspace: &mut Workspace<T>, gradient: &mut [T]) {
        self.forward(theta, workspace);
        self.backward(theta, workspace);
        let points = self.points();
        for (index, layer) in self.layers.iter().enumerate() {
            let before = &workspace.activations[index];
            for (unit, error) in workspace.errors[index].chunks_exact(points).enumerate() {
                for (slot, input) in gradient[layer.weight(unit)].iter_mut().zip(before.chunks_exact(points))
                {
                    *slot = dot(error, input);
                }
                gradient[layer.bias(unit)] = error.iter().copied().sum();
            }
        }
    }

    /// Fills in the activations and, of hidden layers, the activation's derivatives.
    pub(super) fn forward<T: Scalar>(&self, theta: &[T], workspace: &mut Workspace<T>) {
        assert_eq!(theta.len(), self.parameter_count(), "θ doesn't have the network's length");
        for (index, layer) in self.layers.iter().enumerate() {
            let (before, after) = workspace.activations.split_at_mut(index + 1);
            let sums = &mut after[0];
            for (unit, sum) in sums.chunks_exact_mut(self.points()).enumerate() {
                sum.fill(theta[layer.bias(unit)]);
                for (weight, input) in
                    theta[layer.weight(unit)].iter().zip(before[index].chunks_exact(self.points()))
                {
                    add_scaled(sum, *weight, input);
                }
            }
            if let Some(activation_derivatives) = workspace.activation_derivatives.get_mut(index) {
                activate(self.activation, sums, activation_derivatives);
            }
        }
    }

    /// After [`Network::forward`], fills in the errors: the loss's derivatives by each layer's sums; and of hidden layers
    /// those by its activations.
    pub(super) fn backward<T: Scalar>(&self, theta: &[T], workspace: &mut Workspace<T>) {
        // Rounded in any precision: a factor of all errors moves no point where the gradient vanishes.
        let scale = T::from(2.0 / self.points() as f64);
        let last = self.layers.len() - 1;
        let outputs = workspace.activations[last + 1].iter().zip(&self.targets);
        for (error, (&output, &target)) in workspace.errors[last].iter_mut().zip(outputs) {
            *error = scale * (output - T::from(target));
        }
        for index in (0..last).rev() {
            let (errors, later) = workspace.errors.split_at_mut(index + 1);
            let by_activation = &mut workspace.by_activation[index];
            by_activation.fill(T::from(0.0));
            self.add_transposed(&self.layers[index + 1], theta, &later[0], by_activation);
            for ((error, &by), &derivative) in
                errors[index].iter_mut().zip(&*by_activation).zip(&workspace.activation_derivatives[index])
            {
                *error = derivative * by;
            }
        }
    }

    /// Adds Wᵀ·`errors` to `sums`, with the weight W that `parameters` have for the layer.
    pub(super) fn add_transposed<T: Scalar>(
        &self,
        layer: &LayerLayout,
        parameters: &[T],
        errors: &[T],
        sums: &mut [T],
    ) {
        for (unit, error) in errors.chunks_exact(self.points()).enumerate() {
            for (weight, sum) in
                parameters[layer.weight(unit)].iter().zip(sums.chunks_exact_mut(self.points()))
            {
                add_scaled(sum, *weight, error);
            }
        }
    }
}

/// Turns sums into activations, and gives the activation's derivatives there.
fn activate<T: Scalar>(activation: Activation, sums: &mut [T], activation_derivatives: &mut [T]) {
    let (zero, one) = (T::from(0.0), T::from(1.0));
    match activation {
        Activation::Tanh => {
            for (sum, derivative) in sums.iter_mut().zip(activation_derivatives) {
                *sum = sum.tanh();
                *derivative = one - *sum * *sum;
            }
        }
        Activation::Relu => {
            for (sum, derivative) in sums.iter_mut().zip(activation_derivatives) {
                // Written so that NaN stays NaN.
                (*sum, *derivative) = if *sum <= zero { (zero, zero) } else { (*sum, one) };
            }
        }
        Activation::Linear => activation_derivatives.fill(one),
    }
}
