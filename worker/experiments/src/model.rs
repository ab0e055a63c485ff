//! Networks: parameters by name, and the way from inputs to outputs.

use std::collections::BTreeMap;

use basin_domain::experiment::ConvNet;
use basin_domain::random::Stream;
use basin_kernels::{Activation, DenseVariables, conv_relu_pool, dense};
use candle_core::{DType, Device, Shape, Tensor, Var};

use crate::ExperimentError;

/// A network may have as many parameters as fit into a gibibyte; optimiser and gradient need three times more.
const MOST_PARAMETERS: u64 = 1 << 28;

/// A network of convolutions and dense layers, on the CPU, in `f32`.
#[derive(Debug)]
pub struct Model {
    parameters: BTreeMap<String, Var>,
    layers: Vec<ModelLayer>,
}

/// A layer with its parameters.
#[derive(Debug)]
pub(crate) enum ModelLayer {
    ConvReluPool { weight: Var, bias: Var },
    Dense { weight: Var, bias: Var, activation: Activation },
}

impl Model {
    /// A network for images of `[channels, height, width]`, its parameters drawn from the streams of `seed`.
    ///
    /// Parameters are named `conv0.weight`, `conv0.bias`, …, `dense0.weight`, …, `output.weight`, `output.bias`.
    ///
    /// # Errors
    /// [`ExperimentError::InvalidParameters`] if a layer is empty, a pool leaves no pixel, or the network is too large.
    pub fn conv_net(
        net: &ConvNet,
        [channels, height, width]: [usize; 3],
        classes: usize,
        seed: u64,
    ) -> Result<Self, ExperimentError> {
        if net.kernel.is_multiple_of(2) {
            return invalid(format!("the kernel's side is {}, which isn't odd", net.kernel));
        }
        let mut builder = Builder::new(seed);
        let kernel = net.kernel as usize;
        let (mut inputs, mut height, mut width) = (channels, height, width);
        for (index, &outputs) in net.conv.iter().enumerate() {
            let name = format!("conv{index}");
            if height < 2 || width < 2 {
                return invalid(format!(
                    "the pool of `{name}` leaves no pixel: its input has {height}×{width}; {} convolutions are too many",
                    net.conv.len()
                ));
            }
            builder.conv_relu_pool(&name, inputs, outputs as usize, kernel)?;
            (inputs, height, width) = (outputs as usize, height / 2, width / 2);
        }
        builder.dense_layers(inputs * height * width, &net.dense, classes)
    }

    /// A dense network with ReLU between its layers and one output, its parameters drawn from the streams of `seed`.
    ///
    /// # Errors
    /// [`ExperimentError::InvalidParameters`] if a layer is empty or the network is too large.
    pub fn dense_net(
        inputs: usize,
        hidden: &[u32],
        outputs: usize,
        seed: u64,
    ) -> Result<Self, ExperimentError> {
        Builder::new(seed).dense_layers(inputs, hidden, outputs)
    }

    /// The trainable parameters, by name.
    pub fn parameters(&self) -> &BTreeMap<String, Var> {
        &self.parameters
    }

    /// The layers, in the order in which inputs go through them.
    pub(crate) fn layers(&self) -> &[ModelLayer] {
        &self.layers
    }

    /// The layers' weights and biases, if they are all dense.
    pub fn dense_layers(&self) -> Option<Vec<DenseVariables>> {
        let dense = |layer: &ModelLayer| match layer {
            ModelLayer::Dense { weight, bias, .. } => {
                Some(DenseVariables { weight: weight.clone(), bias: bias.clone() })
            }
            ModelLayer::ConvReluPool { .. } => None,
        };
        self.layers.iter().map(dense).collect()
    }

    /// The number of trainable numbers.
    pub fn parameter_count(&self) -> usize {
        self.parameters.values().map(|parameter| parameter.elem_count()).sum()
    }

    /// The type of its numbers: `f32`, but for copies made by [`Model::with_dtype`].
    pub fn dtype(&self) -> DType {
        self.parameters.values().next().map_or(DType::F32, |parameter| parameter.dtype())
    }

    /// A copy whose numbers are of another type, for probes that need more of them than training does.
    ///
    /// # Errors
    /// If an operation fails.
    pub fn with_dtype(&self, dtype: DType) -> Result<Self, ExperimentError> {
        let mut parameters = BTreeMap::new();
        for (name, parameter) in &self.parameters {
            let copy = Var::from_tensor(&parameter.as_detached_tensor().to_dtype(dtype)?.copy()?)?;
            parameters.insert(name.clone(), copy);
        }
        let of = |parameter: &Var| {
            let name = self.parameters.iter().find(|(_, known)| known.id() == parameter.id());
            let (name, _) = name.expect("a layer's parameters are the model's");
            parameters[name].clone()
        };
        let layer = |layer: &ModelLayer| match layer {
            ModelLayer::ConvReluPool { weight, bias } => {
                ModelLayer::ConvReluPool { weight: of(weight), bias: of(bias) }
            }
            ModelLayer::Dense { weight, bias, activation } => {
                ModelLayer::Dense { weight: of(weight), bias: of(bias), activation: *activation }
            }
        };
        let layers = self.layers.iter().map(layer).collect();
        Ok(Self { parameters, layers })
    }

    /// All parameters as one vector, in the order of their names.
    ///
    /// # Errors
    /// If an operation fails.
    pub fn flat_parameters(&self) -> Result<Vec<f64>, ExperimentError> {
        let mut flat = Vec::with_capacity(self.parameter_count());
        for parameter in self.parameters.values() {
            flat.extend(
                parameter.as_detached_tensor().to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?,
            );
        }
        Ok(flat)
    }

    /// Overwrites all parameters with a vector as [`Model::flat_parameters`] gives it, rounded to the model's type.
    ///
    /// # Errors
    /// If the vector has another length, or an operation fails.
    pub fn set_parameters(&self, flat: &[f64]) -> Result<(), ExperimentError> {
        for (parameter, values) in self.parts(flat)? {
            parameter.set(&values.to_dtype(parameter.dtype())?)?;
        }
        Ok(())
    }

    /// A vector as [`Model::flat_parameters`] gives it in parts: each parameter with its part, of the parameter's shape.
    ///
    /// # Errors
    /// If the vector has another length.
    pub fn parts(&self, flat: &[f64]) -> Result<Vec<(&Var, Tensor)>, ExperimentError> {
        let count = self.parameter_count();
        if flat.len() != count {
            return invalid(format!("{} numbers were given for {count} parameters", flat.len()));
        }
        let mut rest = flat;
        let mut parts = Vec::with_capacity(self.parameters.len());
        for parameter in self.parameters.values() {
            let (part, after) = rest.split_at(parameter.elem_count());
            parts.push((parameter, Tensor::from_slice(part, parameter.shape(), &Device::Cpu)?));
            rest = after;
        }
        Ok(parts)
    }

    /// The outputs `[batch, outputs]` for the inputs `[batch, …]`, with what a backward pass needs.
    ///
    /// # Errors
    /// If the inputs don't have the shape that the model was made for.
    pub fn forward(&self, inputs: &Tensor) -> Result<Tensor, ExperimentError> {
        self.run(inputs, |parameter| parameter.as_tensor().clone())
    }

    /// The outputs as [`Model::forward`] gives them, without keeping what a backward pass would need.
    ///
    /// # Errors
    /// As for [`Model::forward`].
    pub fn evaluate(&self, inputs: &Tensor) -> Result<Tensor, ExperimentError> {
        self.run(inputs, Var::as_detached_tensor)
    }

    fn run(&self, inputs: &Tensor, read: impl Fn(&Var) -> Tensor) -> Result<Tensor, ExperimentError> {
        let mut x = inputs.clone();
        for layer in &self.layers {
            x = match layer {
                ModelLayer::ConvReluPool { weight, bias } => conv_relu_pool(&x, &read(weight), &read(bias))?,
                ModelLayer::Dense { weight, bias, activation } => {
                    dense(&x, &read(weight), &read(bias), *activation)?
                }
            };
        }
        Ok(x)
    }
}

fn invalid<T>(reason: String) -> Result<T, ExperimentError> {
    Err(ExperimentError::InvalidParameters(reason))
}

struct Builder {
    seed: u64,
    count: u64,
    parameters: BTreeMap<String, Var>,
    layers: Vec<ModelLayer>,
}

impl Builder {
    fn new(seed: u64) -> Self {
        Self { seed, count: 0, parameters: BTreeMap::new(), layers: Vec::new() }
    }

    fn conv_relu_pool(
        &mut self,
        name: &str,
        inputs: usize,
        outputs: usize,
        kernel: usize,
    ) -> Result<(), ExperimentError> {
        let (weight, bias) = self.layer(name, &[outputs, inputs, kernel, kernel])?;
        self.layers.push(ModelLayer::ConvReluPool { weight, bias });
        Ok(())
    }

    fn dense_layers(
        mut self,
        inputs: usize,
        hidden: &[u32],
        outputs: usize,
    ) -> Result<Model, ExperimentError> {
        let mut width = inputs;
        for (index, &next) in hidden.iter().enumerate() {
            let (weight, bias) = self.layer(&format!("dense{index}"), &[next as usize, width])?;
            self.layers.push(ModelLayer::Dense { weight, bias, activation: Activation::Relu });
            width = next as usize;
        }
        let (weight, bias) = self.layer("output", &[outputs, width])?;
        self.layers.push(ModelLayer::Dense { weight, bias, activation: Activation::Identity });
        Ok(Model { parameters: self.parameters, layers: self.layers })
    }

    /// Makes the weight of this shape, outputs first, and the bias of a layer.
    ///
    /// Both are uniform within ±1/√n for n inputs of one output (fan-in), as PyTorch initialises its linear and
    /// convolutional layers: He et al. 2015 (arXiv 1502.01852), equation 10, with the gain √(1/3) of a = √5 in
    /// `torch.nn.init.kaiming_uniform_`.
    fn layer(&mut self, name: &str, shape: &[usize]) -> Result<(Var, Var), ExperimentError> {
        let count = shape.iter().try_fold(1u64, |count, &size| count.checked_mul(size as u64));
        let count = count.and_then(|count| count.checked_add(shape[0] as u64)).unwrap_or(u64::MAX);
        if shape.contains(&0) {
            return invalid(format!("the layer `{name}` has no units: its weight would be {shape:?}"));
        }
        self.count = self.count.saturating_add(count);
        if self.count > MOST_PARAMETERS {
            return invalid(format!("the network has more than {MOST_PARAMETERS} parameters up to `{name}`"));
        }
        let fan_in: usize = shape[1..].iter().product();
        let bound = 1.0 / (fan_in as f64).sqrt();
        let weight = self.draw(format!("{name}.weight"), shape, bound)?;
        let bias = self.draw(format!("{name}.bias"), &shape[..1], bound)?;
        Ok((weight, bias))
    }

    fn draw(&mut self, name: String, shape: &[usize], bound: f64) -> Result<Var, ExperimentError> {
        let mut stream = Stream::new(self.seed, &format!("initial/{name}"));
        let shape = Shape::from(shape);
        let values: Vec<f32> =
            (0..shape.elem_count()).map(|_| ((2.0 * stream.uniform() - 1.0) * bound) as f32).collect();
        let parameter = Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu)?)?;
        self.parameters.insert(name, parameter.clone());
        Ok(parameter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(conv: &[u32], dense: &[u32]) -> ConvNet {
        ConvNet { conv: conv.to_vec(), kernel: 3, dense: dense.to_vec() }
    }

    #[test]
    fn the_models_of_experiment_a_have_2241_and_2209_parameters() {
        assert_eq!(Model::dense_net(1, &[32, 64], 1, 0).unwrap().parameter_count(), 2_241);
        assert_eq!(Model::dense_net(1, &[32, 32, 32], 1, 0).unwrap().parameter_count(), 2_209);
    }

    #[test]
    fn a_conv_net_has_the_parameters_that_the_vocabulary_counts() {
        for (conv, dense) in
            [(&[12, 32][..], &[128, 64][..]), (&[8, 12, 32], &[128, 64]), (&[], &[20]), (&[4], &[])]
        {
            let model = Model::conv_net(&net(conv, dense), [3, 32, 32], 10, 0).unwrap();
            assert_eq!(
                model.parameter_count() as u64,
                net(conv, dense).parameter_count(3, 32, 10),
                "{conv:?}"
            );
        }
    }

    #[test]
    fn parameters_are_named_and_shaped_by_their_layers() {
        let model = Model::conv_net(&net(&[4, 6], &[5]), [3, 8, 10], 7, 0).unwrap();
        let shapes: Vec<(&str, &[usize])> =
            model.parameters().iter().map(|(name, parameter)| (name.as_str(), parameter.dims())).collect();
        assert_eq!(
            shapes,
            [
                ("conv0.bias", &[4][..]),
                ("conv0.weight", &[4, 3, 3, 3]),
                ("conv1.bias", &[6]),
                ("conv1.weight", &[6, 4, 3, 3]),
                ("dense0.bias", &[5]),
                ("dense0.weight", &[5, 6 * 2 * 2]),
                ("output.bias", &[7]),
                ("output.weight", &[7, 5]),
            ]
        );
        let inputs = Tensor::zeros((2, 3, 8, 10), DType::F32, &Device::Cpu).unwrap();
        assert_eq!(model.forward(&inputs).unwrap().dims(), [2, 7]);
    }

    #[test]
    fn a_parameter_depends_on_seed_and_name_alone_and_stays_within_its_bound() {
        let values = |conv: &[u32], seed: u64| {
            let model = Model::conv_net(&net(conv, &[]), [3, 32, 32], 10, seed).unwrap();
            model.parameters()["conv0.weight"].flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let first = values(&[16], 5);
        assert_eq!(first, values(&[16, 8], 5));
        assert_ne!(first, values(&[16], 6));
        let bound = 1.0 / 27f32.sqrt();
        let largest = first.iter().fold(0f32, |largest, value| largest.max(value.abs()));
        assert!(largest < bound && largest > 0.95 * bound, "{largest} of {bound}");
    }

    #[test]
    fn a_copy_in_double_precision_has_the_same_parameters_and_lives_for_itself() {
        let model = Model::conv_net(&net(&[4], &[5]), [3, 8, 8], 7, 2).unwrap();
        let copy = model.with_dtype(DType::F64).unwrap();
        let flat = model.flat_parameters().unwrap();
        assert_eq!((copy.dtype(), copy.flat_parameters().unwrap()), (DType::F64, flat.clone()));
        let moved: Vec<f64> = flat.iter().map(|value| value + 1e-12).collect();
        copy.set_parameters(&moved).unwrap();
        assert_eq!(copy.flat_parameters().unwrap(), moved);
        assert_eq!(model.flat_parameters().unwrap(), flat);
        assert!(copy.set_parameters(&flat[1..]).is_err());
        let inputs = Tensor::ones((2, 3, 8, 8), DType::F64, &Device::Cpu).unwrap();
        assert_eq!(copy.forward(&inputs).unwrap().dtype(), DType::F64);
    }

    #[test]
    fn networks_that_cannot_be_are_refused_by_the_name_of_the_layer() {
        let refuse = |net: ConvNet, side| match Model::conv_net(&net, [3, side, side], 10, 0).unwrap_err() {
            ExperimentError::InvalidParameters(reason) => reason,
            other => panic!("{other}"),
        };
        assert_eq!(
            refuse(net(&[2, 2, 2], &[]), 4),
            "the pool of `conv2` leaves no pixel: its input has 1×1; 3 convolutions are too many"
        );
        assert_eq!(
            refuse(net(&[2, 0], &[]), 8),
            "the layer `conv1` has no units: its weight would be [0, 2, 3, 3]"
        );
        assert_eq!(
            refuse(net(&[2], &[u32::MAX, u32::MAX]), 8),
            "the network has more than 268435456 parameters up to `dense0`"
        );
        assert_eq!(
            refuse(ConvNet { conv: vec![2], kernel: 4, dense: vec![] }, 8),
            "the kernel's side is 4, which isn't odd"
        );
    }
}
