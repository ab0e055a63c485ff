//! What the passes of a network cost, from its graph.

use super::WorkSeconds;
use crate::network::{Activation, ExampleShape, Graph, Node, Operation, ParameterSpec};
use crate::optimizer::{Optimizer, Rule};

// Seconds of a thread of the reference machine, fitted to the networks that `docs/performance.md` lists: within a quarter of nearly all.

/// A product of a sum.
const PRODUCT: f64 = 9.5e-12;
/// A product of a fused block's forward pass.
const FUSED_PRODUCT: f64 = 9.8e-12;
/// A product of a fused block's gradients, most of which are never taken.
const FUSED_GRADIENT_PRODUCT: f64 = 2.05e-12;
/// The numbers of a register: output channels are computed so many at a time.
const LANES: u32 = 16;
/// A number that a node of images gives: forward, and back.
const IMAGE_NUMBER: [f64; 2] = [0.35e-9, 0.95e-9];
/// A number that another node gives.
const NUMBER: [f64; 2] = [0.05e-9, 0.1e-9];
/// A number of a function that isn't linear piece by piece.
const FUNCTION: f64 = 2e-9;
/// A number of an example that is gathered.
const GATHERED: f64 = 0.5e-9;
/// A call of a node, in one direction.
const CALL: f64 = 0.3e-6;
/// A step, beside its passes: its order, its loss, the gradient's norm.
const STEP: f64 = 2e-6;
/// A parameter's step while all of them lie in a near cache, and beyond.
const NEAR_PARAMETER: f64 = 1e-9;
const FAR_PARAMETER: f64 = 5.5e-9;
/// As many parameters lie there.
const NEAR: f64 = 60e3;
/// A weight that is written anew, from a vector of all.
const MOVED: f64 = 4e-9;

/// Examples of one piece of an evaluation.
const EVALUATION_PIECE: f64 = 512.0;
/// Of a pass in double precision.
const DOUBLE_PIECE: f64 = 250.0;
/// Of a derivative with respect to inputs.
const INPUT_PIECE: f64 = 100.0;
/// Passes in double precision take so many times as long as in single.
const DOUBLE: f64 = 2.2;
/// A product with the Hessian takes as long as so many gradients: each pass is also taken along a direction.
const HESSIAN: f64 = 2.5;
/// The share of the backward pass that leads to the inputs alone.
const TO_INPUT: f64 = 0.7;

/// What the passes of a network cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetworkWork {
    /// Nodes that compute something.
    nodes: f64,
    /// Numbers of an example.
    inputs: f64,
    /// Numbers of an answer.
    outputs: f64,
    parameters: f64,
    /// The products of one step of an iteration that orthogonalises all weights.
    orthogonalised: f64,
    /// Those of the output layer's weights among them.
    orthogonalised_of_output: f64,
    /// Layers with parameters.
    layers: u64,
    /// Of an example.
    forward: WorkSeconds,
    backward: WorkSeconds,
}

impl NetworkWork {
    /// The work of a network.
    pub fn of(graph: &Graph) -> Self {
        let of_output = graph.parameters().filter(|parameter| parameter.is_of_output());
        let mut work = Self {
            nodes: 0.0,
            inputs: graph.input().elements() as f64,
            outputs: graph.output().elements() as f64,
            parameters: graph.parameter_count() as f64,
            orthogonalised: graph.parameters().map(orthogonalised_products).sum(),
            orthogonalised_of_output: of_output.map(orthogonalised_products).sum(),
            layers: graph.layer_names().len() as u64,
            forward: WorkSeconds::default(),
            backward: WorkSeconds::default(),
        };
        for node in graph.nodes() {
            if matches!(
                node.operation,
                Operation::Input | Operation::Flatten | Operation::Activation(Activation::Identity)
            ) {
                continue;
            }
            let is_first = node.inputs.iter().all(|&at| graph.nodes()[at].operation == Operation::Input);
            let [forward, backward] = passes(node, is_first);
            work.nodes += 1.0;
            work.forward += forward;
            work.backward += backward;
        }
        work
    }

    /// Layers with parameters.
    pub const fn layers(&self) -> u64 {
        self.layers
    }

    /// Trainable numbers.
    pub(super) const fn parameters(&self) -> f64 {
        self.parameters
    }

    /// A step of an optimiser on so many examples.
    pub fn step(&self, examples: f64, optimizer: &Optimizer) -> WorkSeconds {
        let gradients = if optimizer.sam.is_some() { 2.0 } else { 1.0 };
        let passes = self.forward + self.backward;
        let far = (self.parameters - NEAR).max(0.0);
        let update = (self.parameters - far) * NEAR_PARAMETER + far * FAR_PARAMETER;
        let orthogonalised = match optimizer.rule {
            Rule::Muon(muon) => {
                let left_out = if muon.output_by_others { self.orthogonalised_of_output } else { 0.0 };
                f64::from(muon.iterations) * (self.orthogonalised - left_out)
            }
            Rule::Adam(_) | Rule::Sgd(_) | Rule::AdamW(_) | Rule::RmsProp(_) | Rule::Lion(_) => 0.0,
        };
        let around = WorkSeconds {
            elements: STEP + examples * self.inputs * GATHERED + gradients * 2.0 * self.nodes * CALL + update,
            products: orthogonalised * PRODUCT,
            ..WorkSeconds::default()
        };
        passes * (gradients * examples) + around
    }

    /// An evaluation of so many examples.
    pub fn evaluation(&self, examples: f64) -> WorkSeconds {
        let calls = (examples / EVALUATION_PIECE).ceil() * self.nodes * CALL;
        let elements = calls + examples * self.inputs * GATHERED;
        self.forward * examples + WorkSeconds { elements, ..WorkSeconds::default() }
    }

    /// Other weights in the place of the network's.
    pub fn move_weights(&self) -> WorkSeconds {
        WorkSeconds { elements: self.parameters * MOVED, ..WorkSeconds::default() }
    }

    /// The gradient over so many examples, in double precision.
    pub fn double_gradient(&self, examples: f64) -> WorkSeconds {
        let passes = (self.forward + self.backward).total() * DOUBLE * examples;
        let calls = (examples / DOUBLE_PIECE).ceil() * 2.0 * self.nodes * CALL;
        WorkSeconds::in_double(passes + calls + self.parameters * MOVED)
    }

    /// The product of the Hessian over so many examples with a vector.
    pub fn hessian_product(&self, examples: f64) -> WorkSeconds {
        self.double_gradient(examples) * HESSIAN
    }

    /// The derivatives of each answer, or of the loss alone, with respect to the inputs of so many examples.
    pub(super) fn input_derivatives(&self, examples: f64, of_each_answer: bool) -> WorkSeconds {
        let backward = if of_each_answer { self.outputs } else { 1.0 };
        let calls = (examples / INPUT_PIECE).ceil() * (2.0 + backward) * self.nodes * CALL;
        let around = WorkSeconds { elements: calls, ..WorkSeconds::default() };
        self.forward * examples + self.backward * (TO_INPUT * backward * examples) + around
    }
}

/// The forward and the backward pass of a node on one example; a first node leads no gradient on to the input.
fn passes(node: &Node, is_first: bool) -> [WorkSeconds; 2] {
    let products = node.products as f64;
    let gradients = if is_first { 1.0 } else { 2.0 };
    let numbers = node.shape.elements() as f64;
    let [forward, backward] = match node.shape {
        ExampleShape::Image { .. } => IMAGE_NUMBER,
        ExampleShape::Vector { .. } | ExampleShape::Sequence { .. } | ExampleShape::Tokens { .. } => NUMBER,
    };
    let work = |products: f64, elements: f64| WorkSeconds { products, elements, ..WorkSeconds::default() };
    match node.operation {
        Operation::ConvReluPool { outputs, .. } => {
            // Four sums for each maximum.
            let sums = 4.0 * numbers;
            [
                work(products * padded(outputs) * FUSED_PRODUCT, sums * forward),
                work(gradients * products * FUSED_GRADIENT_PRODUCT, sums * backward),
            ]
        }
        Operation::Activation(function) => {
            let more = if is_piecewise_linear(function) { 0.0 } else { FUNCTION };
            [work(0.0, numbers * (forward + more)), work(0.0, numbers * (backward + more))]
        }
        _ => [
            work(products * PRODUCT, numbers * forward),
            work(gradients * products * PRODUCT, numbers * backward),
        ],
    }
}

/// How many times as many channels are computed as are wanted.
fn padded(channels: u32) -> f64 {
    f64::from(channels.div_ceil(LANES)) * f64::from(LANES) / f64::from(channels.max(1))
}

const fn is_piecewise_linear(function: Activation) -> bool {
    match function {
        Activation::Identity | Activation::Relu | Activation::LeakyRelu { .. } | Activation::Hardtanh => true,
        Activation::Elu { .. }
        | Activation::Gelu
        | Activation::Silu
        | Activation::Tanh
        | Activation::Sigmoid
        | Activation::Softplus
        | Activation::Sine { .. } => false,
    }
}

/// The products of one step of the Newton–Schulz iteration on a parameter, a matrix of `[first, rest]`.
fn orthogonalised_products(parameter: &ParameterSpec) -> f64 {
    let Some((first, rest)) = parameter.shape.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return 0.0;
    };
    let rows = f64::from(*first);
    let columns = rest.iter().map(|length| f64::from(*length)).product::<f64>();
    let (less, more) = (rows.min(columns), rows.max(columns));
    less * less * (2.0 * more + less)
}
