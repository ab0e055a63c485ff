//! Networks in `f64` at home and on Candle's processor device, with examples for them.

use basin_domain::network::layer::Layer as NamedLayer;
use basin_domain::network::{ExampleShape, LayerList, Network, Operation};
use basin_domain::optimizer::Optimizer;
use basin_domain::random::Stream;
use basin_kernels::Loss;
use basin_kernels::network::{Mode, Program, Wanted};
use basin_kernels::optimizer::Optimizer as OptimizerState;
use candle_core::{DType, Device, Tensor};

use super::{DeviceBatch, SingleNetwork, SingleNumbers, SingleSettings};
use crate::model::Model;
use crate::tensors::NamedTensors;

pub(super) const IMAGE: ExampleShape = ExampleShape::Image { channels: 4, height: 7, width: 10 };
pub(super) const TOKENS: ExampleShape = ExampleShape::Tokens { positions: 5, vocabulary: 9 };
pub(super) const VECTOR: ExampleShape = ExampleShape::Vector { length: 6 };
pub(super) const OUTPUTS: u32 = 3;

pub(super) fn layers(layers: Vec<NamedLayer>) -> Network {
    Network::Layers(LayerList::new(layers))
}

pub(super) fn normals(count: usize, name: &str) -> Vec<f64> {
    let mut stream = Stream::new(5, name);
    (0..count).map(|_| stream.normal()).collect()
}

/// A network in `f64` whose buffers and normalisations have left their first values.
pub(super) fn model(network: &Network, input: &ExampleShape) -> Model {
    let model = Model::new(network, input, OUTPUTS, 3).unwrap().with_dtype(DType::F64).unwrap();
    let mut shift = Stream::new(6, "shift");
    let flat = model.flat_parameters().unwrap();
    model.set_parameters(&flat.iter().map(|value| value + 0.1 * shift.normal()).collect::<Vec<_>>()).unwrap();
    let buffers: usize = model.buffers().values().map(|buffer| buffer.elem_count()).sum();
    model.set_buffers(&(0..buffers).map(|_| 0.5 + shift.uniform()).collect::<Vec<_>>()).unwrap();
    model
}

/// A batch of examples with labels, at home.
pub(super) struct Examples {
    pub(super) inputs: Tensor,
    pub(super) labels: Tensor,
}

impl Examples {
    pub(super) fn of(input: &ExampleShape, batch: usize, name: &str) -> Self {
        let mut shape = vec![batch];
        shape.extend(input.dimensions().into_iter().map(|length| length as usize));
        let count = shape.iter().product();
        let mut stream = Stream::new(7, name);
        let numbers = match input {
            ExampleShape::Tokens { vocabulary, .. } => {
                (0..count).map(|_| stream.below(u64::from(*vocabulary)) as f64).collect()
            }
            _ => normals(count, name),
        };
        let labels: Vec<u32> = (0..batch).map(|_| stream.below(u64::from(OUTPUTS)) as u32).collect();
        Self {
            inputs: Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap(),
            labels: Tensor::from_vec(labels, batch, &Device::Cpu).unwrap(),
        }
    }

    pub(super) fn on_device(&self, input: &ExampleShape) -> DeviceBatch {
        let inputs = match input {
            ExampleShape::Tokens { .. } => self.inputs.to_dtype(DType::U32).unwrap(),
            _ => self.inputs.clone(),
        };
        DeviceBatch { inputs, targets: self.labels.unsqueeze(0).unwrap() }
    }
}

/// A model's network on Candle's processor device.
pub(super) fn on_device(model: &Model, optimizer: Optimizer, state: &dyn OptimizerState) -> SingleNetwork {
    let copies = |of: &std::collections::BTreeMap<String, candle_core::Var>| -> NamedTensors {
        of.iter().map(|(name, it)| (name.clone(), it.as_detached_tensor().copy().unwrap())).collect()
    };
    let numbers = SingleNumbers {
        steps: state.steps(),
        parameters: copies(model.parameters()),
        buffers: copies(model.buffers()),
        accumulators: state.state().unwrap(),
        average: optimizer.average.map(|_| copies(model.parameters())),
    };
    let settings =
        SingleSettings { graph: model.shared_graph(), seed: model.seed(), optimizer, examples: [1, 1, 1] };
    SingleNetwork::new(settings, &numbers, &Device::Cpu, DType::F64).unwrap()
}

/// The gradients of the mean loss at home, in the order of the parameters' names, after a pass in training.
pub(super) fn gradients_at_home(
    program: &mut Program<f64>,
    model: &Model,
    loss: Loss,
    examples: &Examples,
    mode: Mode,
) -> Vec<Vec<f64>> {
    let outputs = program.forward(&examples.inputs, mode).unwrap();
    let gradient = loss.gradient(outputs, &examples.labels).unwrap();
    program.backward(&gradient, Wanted { input: false, parameters: true }).unwrap();
    model.parameters().values().map(|it| program.parameter_gradient(it).unwrap().to_vec()).collect()
}

pub(super) fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

pub(super) fn largest(of: &[f64]) -> f64 {
    of.iter().fold(0.0, |largest, value| f64::max(largest, value.abs()))
}

/// Asserts that numbers differ by 10⁻⁹ of the largest of them at most, or of `scale` if that is larger.
pub(super) fn assert_near(found: &[f64], expected: &[f64], scale: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let bound = 1e-9 * largest(expected).max(scale);
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= bound, "{what}: {found} is not {expected}");
    }
}

/// The operations of a network's graph, by name, to see that a test meets all of them.
pub(super) fn operations(model: &Model) -> Vec<&'static str> {
    let name = |operation: &Operation| match operation {
        Operation::Input => "input",
        Operation::Convolution { .. } => "convolution",
        Operation::PatchWhitening { .. } => "patch whitening",
        Operation::ConvReluPool { .. } => "fused block",
        Operation::Dense { .. } => "dense",
        Operation::Embedding { .. } => "embedding",
        Operation::Attention { .. } => "attention",
        Operation::BatchNorm { .. } => "batch norm",
        Operation::LayerNorm { .. } => "layer norm",
        Operation::GroupNorm { .. } => "group norm",
        Operation::Dropout { .. } => "dropout",
        Operation::Activation(activation) => activation.as_str(),
        Operation::MaxPool { .. } => "max pool",
        Operation::AveragePool { .. } => "average pool",
        Operation::GlobalAveragePool => "global average pool",
        Operation::Flatten => "flatten",
        Operation::MeanOverPositions => "mean over positions",
        Operation::LastPosition => "last position",
        Operation::Add => "add",
        Operation::PadChannels { .. } => "pad channels",
        Operation::Scale { .. } => "scale",
    };
    model.graph().nodes().iter().map(|node| name(&node.operation)).collect()
}
